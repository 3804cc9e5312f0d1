// Authors' pages: the reader's own time zone, times in it, and links to copy. All of it works without, too.
(() => {
  const notify = (text) => document.dispatchEvent(new CustomEvent("respondeo:notify", { detail: text }));

  // The zone that this browser is in, unless somebody chose one already.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const list of document.querySelectorAll("select[data-own-zone]")) {
    if (!zone || zone === "UTC") continue;
    const known = [...list.options].some((option) => option.value === zone);
    if (!known) list.add(new Option(zone.replaceAll("_", " "), zone)); // a name of old; the server knows it
    list.value = zone;
  }

  // Moments are told in UTC by the server, and here in the reader's own time.
  const localise = () => {
    const words = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
    for (const moment of document.querySelectorAll(".author-page time[datetime]")) {
      const at = new Date(moment.dateTime);
      if (Number.isNaN(at.getTime()) || moment.title) continue;
      moment.title = moment.textContent;
      moment.textContent = words.format(at);
    }
  };
  localise();
  document.addEventListener("htmx:after:swap", localise);

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      notify(button.dataset.copied ?? "Link copied.");
    } catch {
      // No way to copy here (a plain http address, say): mark it, ready to be copied by hand.
      field.focus();
      field.select();
      notify(button.dataset.selected ?? "The link is selected. Copy it by hand.");
    }
  });
})();
