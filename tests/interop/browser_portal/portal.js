// A portal on oidc-client-ts: everything in the page, nothing on a server.
const settings = JSON.parse(sessionStorage.getItem("settings") ?? "null")
  ?? Object.fromEntries(new URLSearchParams(location.search));
sessionStorage.setItem("settings", JSON.stringify(settings));
const manager = new oidc.UserManager({
  authority: settings.authority,
  client_id: settings.client_id,
  redirect_uri: `${location.origin}/callback`,
  silent_redirect_uri: `${location.origin}/silent`,
  post_logout_redirect_uri: `${location.origin}/bye`,
  scope: settings.scope ?? "openid profile",
  loadUserInfo: true,
  automaticSilentRenew: false,
  userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
});
const told = document.querySelector("#told");
const tell = (what, value) => { told.textContent = JSON.stringify({ what, ...value }); };
const seen = (user) => ({ profile: user.profile, token: user.access_token, expires: user.expires_in });
const trying = (what, work) => async () => {
  try { tell(what, await work()); } catch (fault) { tell("fault", { during: what, fault: String(fault) }); }
};

document.querySelector("#login").onclick = () => manager.signinRedirect();
document.querySelector("#renew").onclick = trying("renewed", async () => seen(await manager.signinSilent()));
document.querySelector("#logout").onclick = () => manager.signoutRedirect({ state: "bye" });

const pages = {
  "/callback": trying("signed-in", async () => seen(await manager.signinRedirectCallback())),
  "/silent": () => manager.signinSilentCallback(),
  "/bye": trying("signed-out", async () => { await manager.signoutRedirectCallback(); return {}; }),
};
(pages[location.pathname] ?? (() => tell("ready", {})))();
