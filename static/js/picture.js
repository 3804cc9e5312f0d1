// The picture fields of an editor: shown while one types its address; uploaded by the button, by
// dropping and by pasting. All listeners are on the document, since fields come and go.
(() => {
  const largest = 8_000_000;
  const words = {
    loads: "This picture loads.",
    none: "That address gives no picture. Check it, or upload the picture.",
    scheme: "Only https addresses: others would not be shown.",
    looking: "Looking for the picture…",
    uploading: "Uploading…",
    reading: "Preparing the picture…",
    uploaded: "Uploaded.",
    removed: "The picture is removed.",
    large: "Choose a picture of at most 8 MB.",
    nothing: "Drop a PNG, JPEG or WebP picture.",
    busy: "Many pictures came at once. Wait a minute, then try again.",
    signedOut: "You are signed out. Sign in in another tab, then try again.",
    closed: "You may not change this quiz any more.",
    server: "The server does not answer. Try again in a moment.",
    offline: "You are offline. Try again when you are back.",
  };

  const say = (text) => document.dispatchEvent(new CustomEvent("respondeo:say", { detail: text }));
  const fieldOf = (target) => target.closest?.("[data-picture]");
  // A field may be swapped for a new one while its picture is on the way.
  const now = (prefix) => document.querySelector(`[data-picture="${CSS.escape(prefix)}"]`);
  const part = (field, name) => field.querySelector(`[data-picture-${name}]`);

  const tell = (field, state, text) => {
    field.dataset.state = state;
    const said = field.querySelector(".picture-said");
    said.textContent = text || said.dataset.hint;
    field.querySelector(".picture-progress").hidden = state !== "uploading";
  };

  /* What the address gives. */

  const isOurs = (url) => /^\/media\/\S+$/.test(url);
  const isSecure = (url) => /^https:\/\/[^\s/]\S*$/.test(url);

  const show = (field, url) => {
    const image = part(field, "image");
    const frame = image.parentElement;
    part(field, "remove").hidden = !url;
    if (!url || !(isOurs(url) || isSecure(url))) {
      frame.hidden = true;
      image.removeAttribute("src");
      tell(field, url ? "wrong" : "", url && words.scheme);
      return;
    }
    if (image.getAttribute("src") === url && field.dataset.state === "good") return;
    tell(field, "looking", words.looking);
    // Shown once it has come: until then there is nothing to see.
    image.loading = "eager";
    image.src = url;
  };

  const judge = (image, good) => {
    const field = fieldOf(image);
    const url = part(field, "url").value.trim();
    // An answer to what is no longer asked, or to the picture that came with the page.
    if (image.getAttribute("src") !== url || field.dataset.state === "uploading") return;
    const asked = field.dataset.state === "looking";
    image.parentElement.hidden = !good;
    tell(field, good ? "good" : "wrong", good ? words.loads : words.none);
    if (asked) say(good ? words.loads : words.none);
  };

  const isImage = (target) => target instanceof HTMLImageElement && "pictureImage" in target.dataset;
  document.addEventListener("load", ({ target }) => isImage(target) && judge(target, true), true);
  document.addEventListener("error", ({ target }) => isImage(target) && judge(target, false), true);
  // Those that came, or did not, before this script.
  for (const image of document.querySelectorAll("[data-picture-image][src]")) {
    if (image.complete) judge(image, image.naturalWidth > 0);
  }

  const waiting = new Map();

  const soon = (field, url) => {
    const { picture } = field.dataset;
    clearTimeout(waiting.get(picture));
    waiting.set(
      picture,
      setTimeout(() => {
        waiting.delete(picture);
        const there = now(picture);
        if (there) show(there, url);
      }, 400),
    );
  };

  document.addEventListener("input", ({ target }) => {
    if (target.matches?.("[data-picture-url]")) soon(fieldOf(target), target.value.trim());
  });

  const set = (input, value) => {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };

  /* Uploading. */

  const running = new Map();

  const refused = (request) => {
    if (request.status === 422) {
      const said = new DOMParser().parseFromString(request.responseText, "text/html");
      return said.querySelector(".field-error")?.textContent.trim() || words.server;
    }
    if (request.status === 204) return words.signedOut;
    if (request.status === 403 || request.status === 404) return words.closed;
    if (request.status === 413) return words.large;
    return request.status === 429 ? words.busy : words.server;
  };

  const fail = (prefix, text) => {
    running.delete(prefix);
    const field = now(prefix);
    if (!field) return;
    tell(field, "wrong", text);
    say(text);
  };

  const arrived = (prefix, request) => {
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const path = request.status === 200 && answer.querySelector("[data-path]")?.dataset.path;
    if (!path) return fail(prefix, refused(request));
    running.delete(prefix);
    const field = now(prefix);
    if (!field) return;
    tell(field, "", "");
    set(part(field, "url"), path);
    clearTimeout(waiting.get(prefix));
    show(field, path);
    say(words.uploaded);
    const alt = field.querySelector(".picture-alt input"); // what is still to be said of it
    if (alt && !alt.value && field.contains(document.activeElement)) alt.focus();
  };

  const upload = (field, file) => {
    const { picture: prefix, use, upload: address } = field.dataset;
    if (!address) return;
    running.get(prefix)?.abort();
    if (file.size > largest) return fail(prefix, words.large);
    const body = new FormData();
    body.append("use", use);
    body.append("picture", file);
    const request = new XMLHttpRequest(); // fetch tells nothing of how far an upload is
    running.set(prefix, request);
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      const there = now(prefix);
      if (!there) return;
      there.querySelector("progress").value = (100 * loaded) / total;
      tell(there, "uploading", loaded < total ? words.uploading : words.reading);
    });
    request.addEventListener("load", () => arrived(prefix, request));
    request.addEventListener("error", () => fail(prefix, navigator.onLine ? words.server : words.offline));
    request.addEventListener("timeout", () => fail(prefix, words.server));
    request.open("POST", address);
    request.timeout = 120_000;
    request.setRequestHeader("HX-Request", "true");
    field.querySelector("progress").value = 0;
    tell(field, "uploading", words.uploading);
    say(words.uploading);
    request.send(body);
  };

  document.addEventListener("change", ({ target }) => {
    if (!target.matches?.("[data-picture-file]")) return;
    const field = fieldOf(target);
    const [file] = target.files;
    if (!file || !field.dataset.upload) return;
    upload(field, file);
    target.value = ""; // or saving the form would send it once more
  });

  document.addEventListener("paste", (event) => {
    const field = fieldOf(event.target);
    const [file] = event.clipboardData?.files ?? [];
    if (!field || !file || !field.dataset.upload || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    upload(field, file);
  });

  const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
  const target = (field) => {
    for (const one of document.querySelectorAll(".picture-field.is-target")) {
      if (one !== field) one.classList.remove("is-target");
    }
    field?.classList.add("is-target");
  };

  document.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    const field = fieldOf(event.target);
    target(field);
    // Beside a field too, or the browser would leave the page to show the file.
    event.preventDefault();
    event.dataTransfer.dropEffect = field?.dataset.upload ? "copy" : "none";
  });

  document.addEventListener("dragleave", (event) => event.relatedTarget || target(null));

  document.addEventListener("drop", (event) => {
    target(null);
    if (!holdsFile(event)) return;
    event.preventDefault();
    const field = fieldOf(event.target);
    if (!field) return;
    const [file] = event.dataTransfer.files;
    if (file) upload(field, file);
    else fail(field.dataset.picture, words.nothing);
  });

  document.addEventListener("click", ({ target: at }) => {
    const button = at.closest?.("[data-picture-remove]");
    if (!button) return;
    const field = fieldOf(button);
    running.get(field.dataset.picture)?.abort();
    running.delete(field.dataset.picture);
    const address = part(field, "url");
    const alt = field.querySelector(".picture-alt input");
    if (alt) set(alt, "");
    set(address, "");
    show(field, "");
    address.focus();
    say(words.removed);
  });
})();
