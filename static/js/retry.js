// The page of a server in trouble: tries again by itself when its countdown is over. Where a form
// was sent, that is the page that held it: its own address may only take forms.
document.addEventListener("clock:zero", () => {
  location.replace(document.getElementById("error-action").href);
});
