// The page's script: asks the API, shows what it says. Everything is shown as text, never as markup.
"use strict";

const at = (id) => document.getElementById(id);
const api = "/api/v1";
let csrf = "";

function say(text, isWrong) {
  at("said").textContent = text;
  at("said").className = isWrong ? "wrong" : "";
}

async function ask(method, path, body) {
  const headers = { accept: "application/json" };
  if (csrf) headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(api + path, {
    method, headers, credentials: "same-origin", redirect: "error",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const read = text ? JSON.parse(text) : null;
  if (answer.ok) return read;
  const problem = new Error((read && read.detail) || "it failed");
  problem.code = read && read.code;
  throw problem;
}

// Buttons rest while something is under way; what goes wrong is said. Whoever uses the keyboard goes on where
// they were: a button that rests loses the focus.
function whenever(id, event, act) {
  at(id).addEventListener(event, async (happened) => {
    happened.preventDefault();
    const buttons = document.querySelectorAll("button");
    const focused = document.activeElement;
    buttons.forEach((button) => { button.disabled = true; });
    try {
      say("");
      await act();
    } catch (problem) {
      const isLeft = problem.name === "NotAllowedError" || problem.name === "AbortError";
      say(isLeft ? "nothing was done: the device said no, or nobody answered it" : problem.message, true);
      if (problem.code === "code_required") at("code").focus();
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
      const isLost = document.activeElement === document.body || document.activeElement.disabled;
      if (isLost && focused.isConnected) focused.focus();
    }
  });
}

// --- bytes, for browsers that do not read WebAuthn's JSON by themselves ------------------------------

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function readOptions(options) {
  const withBytes = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const read = { ...options, challenge: bytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytes(options.user.id) };
  if (options.allowCredentials) read.allowCredentials = withBytes(options.allowCredentials);
  if (options.excludeCredentials) read.excludeCredentials = withBytes(options.excludeCredentials);
  return read;
}

function written(credential) {
  const given = credential.response;
  const response = { clientDataJSON: text(given.clientDataJSON) };
  if (given.attestationObject) {
    response.attestationObject = text(given.attestationObject);
    if (given.getTransports) response.transports = given.getTransports();
  } else {
    response.authenticatorData = text(given.authenticatorData);
    response.signature = text(given.signature);
    response.userHandle = given.userHandle ? text(given.userHandle) : null;
  }
  return {
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function shown(asked) {
  if (!window.PublicKeyCredential) throw new Error("this browser knows no passkeys, or the address is not safe");
  const credential = await navigator.credentials.get({ publicKey: readOptions(asked.options) });
  return { ceremony: asked.ceremony, answer: written(credential) };
}

// --- outside ------------------------------------------------------------------------------------------

function who() {
  const named = {};
  if (at("tenant").value.trim()) named.tenant = at("tenant").value.trim();
  if (at("email").value.trim()) named.email = at("email").value.trim();
  return named;
}

whenever("sign-in", "submit", async () => {
  const body = { ...who(), password: at("password").value };
  if (at("code").value) body.code = at("code").value.trim();
  await ask("POST", "/sessions", body);
  await look();
});

// Who was given a token: the first administrator, whom the setup link brings here, or somebody invited.
let founds = false;

function welcome(isFounding, token) {
  founds = isFounding;
  at("outside").hidden = true;
  at("welcome").hidden = false;
  at("founding").hidden = !isFounding;
  at("new-name").required = isFounding;
  at("invited").hidden = isFounding;
  at("token").value = token;
  at(token ? "new-email" : "token").focus();
}

whenever("has-token", "click", async () => welcome(false, ""));

whenever("no-token", "click", async () => {
  at("choose").reset();
  at("welcome").hidden = true;
  await look();
});

whenever("choose", "submit", async () => {
  const [token, email, password] = ["token", "new-email", "new-password"].map((id) => at(id).value);
  const given = { token: token.trim(), email: email.trim(), password };
  if (founds) {
    await ask("POST", "/setup", { ...given, name: at("new-name").value.trim() });
  } else {
    const tenant = at("new-tenant").value.trim();
    const whose = tenant ? { tenant } : {};
    await ask("POST", "/password", { ...whose, ...given });
    await ask("POST", "/sessions", { ...whose, email: given.email, password });
  }
  at("choose").reset();
  at("welcome").hidden = true;
  await look();
});

// A token that came in the address (behind `#`, so it was sent nowhere) goes from there at once.
function tokenOfAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  const [setup, invitation] = [said.get("setup"), said.get("invitation")];
  if (!setup && !invitation) return;
  history.replaceState(null, "", "/");
  at("new-email").value = said.get("email") || "";
  at("new-tenant").value = said.get("tenant") || "";
  welcome(Boolean(setup), setup || invitation);
}

whenever("passkey", "click", async () => {
  await ask("POST", "/sessions/passkey/confirm", await shown(await ask("POST", "/sessions/passkey", who())));
  await look();
});

whenever("sso", "click", async () => {
  const { tenant } = who();
  const begun = await ask("POST", "/sessions/sso", tenant ? { tenant } : {});
  sessionStorage.setItem("sso", begun.ceremony);
  location.assign(begun.address);
});

// Back from the identity provider: what it says is in the address, and goes from there at once.
async function finishSso() {
  if (location.pathname !== "/sso") return;
  const said = new URLSearchParams(location.search);
  const ceremony = sessionStorage.getItem("sso");
  sessionStorage.removeItem("sso");
  history.replaceState(null, "", "/");
  if (said.get("error")) throw new Error("the identity provider says: " + said.get("error"));
  if (!ceremony || !said.get("code")) return;
  const body = { ceremony, code: said.get("code"), state: said.get("state") || "" };
  if (said.get("iss")) body.iss = said.get("iss");
  await ask("POST", "/sessions/sso/finish", body);
}

// --- inside -------------------------------------------------------------------------------------------

function line(list, words, label, act) {
  const item = document.createElement("li");
  const span = document.createElement("span");
  span.textContent = words;
  item.append(span);
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    button.id = "line-" + crypto.randomUUID();
    button.textContent = label;
    button.setAttribute("aria-label", label + ": " + words);
    item.append(button);
    list.append(item);
    whenever(button.id, "click", act);
    return;
  }
  list.append(item);
}

function day(moment) {
  return new Date(moment).toLocaleString();
}

whenever("add-passkey", "submit", async () => {
  const asked = await ask("POST", "/me/passkeys");
  const credential = await navigator.credentials.create({ publicKey: readOptions(asked.options) });
  const body = { ceremony: asked.ceremony, answer: written(credential) };
  if (at("name").value.trim()) body.name = at("name").value.trim();
  await ask("POST", "/me/passkeys/confirm", body);
  at("name").value = "";
  await look();
  say("the passkey was added");
});

whenever("confirm", "submit", async () => {
  const body = { password: at("again").value };
  if (at("again-code").value) body.code = at("again-code").value.trim();
  await ask("POST", "/me/confirm", body);
  at("confirm").reset();
  await look();
  say("confirmed");
});

whenever("confirm-passkey", "click", async () => {
  await ask("POST", "/me/confirm", { passkey: await shown(await ask("POST", "/me/confirm/passkey")) });
  await look();
  say("confirmed");
});

whenever("add-app", "click", async () => {
  const seed = await ask("POST", "/me/totp");
  at("app").hidden = false;
  at("app-link").href = seed.link;
  at("app-secret").textContent = seed.secret;
  at("app-code").focus();
});

whenever("confirm-app", "submit", async () => {
  const { codes } = await ask("POST", "/me/totp/confirm", { code: at("app-code").value.trim() });
  forgetApp();
  await look();
  at("recovery").hidden = false;
  codes.forEach((code) => line(at("recovery-codes"), code));
  at("recovery-title").focus();
  say("the app was added");
});

// What is shown once is gone with the next act.
function forgetApp() {
  at("confirm-app").reset();
  at("app").hidden = true;
  at("recovery").hidden = true;
  at("app-link").href = "/";
  at("app-secret").replaceChildren();
  at("recovery-codes").replaceChildren();
}

whenever("sign-out", "click", async () => {
  await ask("DELETE", "/me/session");
  await look();
});

async function showMe(me) {
  const facts = [
    ["Account", me.name], ["Tenant", me.tenant], ["Roles", me.roles.join(", ") || "none"],
    ["Second factor", me.second_factor ? "shown" : me.has_second_factor ? "not shown in this session" : "none yet"],
  ];
  at("me").replaceChildren(...facts.flatMap(([term, fact]) => {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = term;
    dd.textContent = fact;
    return [dt, dd];
  }));
  const passkeys = await ask("GET", "/me/passkeys");
  at("passkeys").replaceChildren();
  for (const one of passkeys.items) {
    const used = one.last_used ? ", last used " + day(one.last_used) : "";
    line(at("passkeys"), one.name + ", added " + day(one.created) + used, "Remove", async () => {
      await ask("DELETE", "/me/passkeys/" + one.id);
      await look();
    });
  }
  const base = "/tenants/" + me.tenant + "/sessions";
  const sessions = await ask("GET", base + "?user=" + me.id);
  at("sessions").replaceChildren();
  for (const one of sessions.items) {
    line(at("sessions"), "from " + one.address + ", since " + day(one.created), "End", async () => {
      await ask("DELETE", base + "/" + one.id);
      await look();
    });
  }
}

// Who is signed in decides which half is there.
async function look() {
  let me = null;
  try {
    me = await ask("GET", "/me");
  } catch (problem) {
    if (problem.code !== "unauthenticated") throw problem;
  }
  const comes = me && at("inside").hidden;
  csrf = me ? me.csrf_token : "";
  at("outside").hidden = Boolean(me);
  at("inside").hidden = !me;
  for (const id of ["password", "code", "again", "again-code"]) at(id).value = "";
  forgetApp();
  if (!me) at("email").focus();
  if (comes) at("inside-title").focus();
  if (me) await showMe(me);
}

(async () => {
  try {
    await finishSso();
  } catch (problem) {
    say(problem.message, true);
  }
  try {
    await look();
    if (at("inside").hidden) tokenOfAddress();
  } catch (problem) {
    say(problem.message, true);
  }
})();
