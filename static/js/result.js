// A result: tells one's open boards that there is something new, and shares the link.
(() => {
  if (document.querySelector("[data-own-result]")) new BroadcastChannel("respondeo").postMessage("result");

  const notify = (text) => document.dispatchEvent(new CustomEvent("respondeo:notify", { detail: text }));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-share]");
    if (!button) return;
    const { share: url, shareTitle: title } = button.dataset;
    try {
      if (navigator.share) {
        await navigator.share({ title, url });
      } else {
        await navigator.clipboard.writeText(url);
        notify("Link copied.");
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      // No way to copy here (a plain http address, say): show the link, ready to be copied by hand.
      const field = document.getElementById("share-link");
      field.closest(".share").classList.remove("only-without-script");
      field.focus();
      field.select();
    }
  });
})();
