// The service, as pages see it: reads with a time limit, what went wrong in words, and requests with a CSRF token.

const BASE = "/api/v1/";
const LIMIT_MS = 15_000;

/** What went wrong, and what to do about it. `kind`: offline, ended, forbidden, missing, wrong, failed. */
export class Trouble extends Error {
  constructor(kind, title, detail, whatToDo, status = 0) {
    super(title);
    Object.assign(this, { kind, title, detail, whatToDo, status });
  }
}

const WHAT_TO_DO = {
  offline: "Is it running? Start it with “ats serve”. This page tries again by itself.",
  ended: "Log in with a key. “ats serve key add” makes one.",
  forbidden: "Log in with a key whose role allows it: read, trade or admin.",
  missing: "Choose another one, or make it with “ats run”.",
  wrong: "Change what was entered and try again.",
  failed: "The service's log says more. Try again; if it stays, run “ats doctor”.",
};

function kindOf(status) {
  if (status === 401) return "ended";
  if (status === 403) return "forbidden";
  if (status === 404 || status === 410) return "missing";
  return status < 500 ? "wrong" : "failed";
}

/** As a sentence; a command stays as it is typed. */
function sentence(text) {
  return text.startsWith("ats ") ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

const listeners = new Set();
let person = null;
let asked = null; // the newest question who that is

/** Who looks: `{ name, role, open, writes, csrf_token }`, or null where nobody may without a key; `open`: without one. */
export function whoLooks() {
  return person;
}

/** Call `listener(person, trouble)` when who looks changes, or when a session has ended. */
export function onPerson(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(trouble = null) {
  for (const listener of listeners) listener(person, trouble);
}

async function troubleOf(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // not JSON: the status says what there is to say
  }
  const kind = kindOf(response.status);
  const again = Number(response.headers.get("Retry-After"));
  const todo = response.status === 429 ? `Too many requests: wait ${again > 0 ? `${again} seconds` : "a moment"}.` : WHAT_TO_DO[kind];
  const title = kind === "ended" ? "Your session has ended" : problem.title || `The service answered ${response.status}`;
  // the service says what to do in the detail, behind a colon: what is not there yet is told in these words alone
  const [what, ...how] = (problem.detail || "").split(": ");
  if (kind === "missing" && how.length) return new Trouble(kind, sentence(what), "", sentence(how.join(": ")), response.status);
  return new Trouble(kind, title, problem.detail || "", problem.detail && response.status !== 429 ? "" : todo, response.status);
}

async function answered(path, options, signal) {
  const limits = [AbortSignal.timeout(LIMIT_MS), ...(signal ? [signal] : [])];
  try {
    return await fetch(path, { credentials: "same-origin", ...options, signal: AbortSignal.any(limits) });
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = error.name === "TimeoutError";
    const detail = late ? `No answer within ${LIMIT_MS / 1000} seconds.` : "The connection was refused or lost.";
    throw new Trouble("offline", "The service does not answer", detail, WHAT_TO_DO.offline);
  }
}

/** GET `path` below /api/v1/; `query` leaves out what is null or empty. */
export async function get(path, query = {}, { signal } = {}) {
  const wanted = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(wanted).toString();
  const response = await answered(`${BASE}${path}${search ? `?${search}` : ""}`, { headers: { Accept: "application/json" } }, signal);
  if (!response.ok) {
    const trouble = await troubleOf(response);
    if (trouble.kind === "ended") {
      person = null;
      tell(trouble);
    }
    throw trouble;
  }
  return response.json();
}

/** All rows of a list, page by page, up to `most`; `{ data, more, … }` with what the first page says beside them. */
export async function all(path, query = {}, { signal, most = 5000 } = {}) {
  let page = await get(path, query, { signal });
  const whole = { ...page, data: [...page.data] };
  while (page.next && whole.data.length < most) {
    page = await get(path, { ...query, cursor: page.next }, { signal });
    whole.data.push(...page.data);
  }
  return { ...whole, more: Boolean(page.next) };
}

async function post(path, body, headers = {}) {
  const csrf = person?.csrf_token ? { "X-CSRF-Token": person.csrf_token } : {};
  const options = { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json", ...csrf, ...headers }, body: JSON.stringify(body) };
  const response = await answered(path, options);
  if (!response.ok) throw await troubleOf(response);
  return response.status === 204 ? null : response.json();
}

/** Ask for a change: a request in the trade state, which the executor takes up. `key` makes a repeated one the same one. */
export function ask(kind, body, key) {
  return post(`${BASE}requests`, { kind, body }, { "Idempotency-Key": key });
}

/** Confirm a request with the nonce that came with it. */
export function confirmRequest(id, nonce) {
  return post(`${BASE}requests/${encodeURIComponent(id)}/confirm`, { nonce });
}

/** Find out who looks; null where nobody may without a key. */
export function findPerson() {
  asked = found();
  return asked;
}

/** Until it is known who looks, for pages that show something else to each. */
export async function personKnown() {
  await Promise.resolve(asked).catch(() => null);
}

async function found() {
  try {
    const told = await get("me");
    person = { ...told, open: !told.csrf_token };
  } catch (error) {
    if (error.kind !== "ended") throw error;
    person = null;
  }
  tell();
  return person;
}

export async function logIn(key) {
  await post("/login", { key });
  return findPerson();
}

export async function logOut() {
  await post("/logout", {});
  person = null;
  return findPerson();
}
