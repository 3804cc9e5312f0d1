// What has not reached the server is kept in this browser, and offered back on the next visit.
(() => {
  const { editor } = globalThis;
  const { form } = editor;
  const all = `respondeo.editor.${form.dataset.quiz}.${form.dataset.person}.`;
  const mine = all + editor.newUid(); // this page's own: another tab keeps what it has
  let timer = 0;

  const local = {
    // Whether the last of it could be kept.
    kept: true,

    keep(changes) {
      clearTimeout(timer);
      timer = setTimeout(() => local.keepNow(changes), 200);
    },

    keepNow(changes) {
      clearTimeout(timer);
      const parts = changes();
      try {
        if (Object.keys(parts).length) localStorage.setItem(mine, JSON.stringify({ at: Date.now(), parts }));
        else localStorage.removeItem(mine);
        local.kept = true;
      } catch {
        local.kept = false; // full, or forbidden here
      }
    },

    // What earlier pages have left and the page does not say, oldest first.
    leftovers() {
      const found = [];
      try {
        for (const key of Object.keys(localStorage)) {
          if (!key.startsWith(all) || key === mine) continue;
          const { at, parts } = JSON.parse(localStorage.getItem(key));
          for (const part of Object.keys(parts)) {
            if (editor.same(editor.partNow(part), parts[part])) delete parts[part];
          }
          if (Object.keys(parts).length) found.push({ key, at, parts });
          else localStorage.removeItem(key);
        }
      } catch {
        // Nothing can be read here: nothing was kept either.
      }
      return found.sort((one, other) => one.at - other.at);
    },

    forget: (key) => localStorage.removeItem(key),
  };

  editor.local = local;
})();
