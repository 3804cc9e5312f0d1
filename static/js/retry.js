// The page of a server in trouble: tries again by itself when its countdown is over.
document.addEventListener("clock:zero", () => location.replace(location.href));
