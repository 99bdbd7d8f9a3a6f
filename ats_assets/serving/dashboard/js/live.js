// What happens, as it happens: the stream where there is one, and asking again at intervals where there is none.
// Changes of one topic within a quarter of a second are one renewal; messages are handed on once a frame.

import { Stream } from "../stream.js";

const GATHER_MS = 250;
const SLOWER_MS = 15_000;
const TOPIC = /^([a-z_]+|(quotes|bars):[A-Z0-9][A-Za-z0-9./:_-]{0,31})$/; // one that is none would spoil what is asked for with it

const renewals = new Set(); // { topics, renew, every, timer, due }
const readers = new Map(); // topic -> Set of functions that take each message
const watchers = new Set();
const waiting = new Map(); // topic -> messages of this frame
let stream = null;
let state = "unknown";

/** unknown, live, polling, offline. */
export function liveState() {
  return state;
}

export function onLiveState(listener) {
  watchers.add(listener);
  listener(state);
  return () => watchers.delete(listener);
}

function setState(next) {
  if (next === state) return;
  state = next;
  for (const one of renewals) schedule(one);
  for (const watcher of watchers) watcher(state);
}

function schedule(one) {
  clearInterval(one.timer);
  const interval = one.every ? one.every * 1000 : one.topics.length ? SLOWER_MS : null;
  const needed = state !== "live" || !one.topics.length;
  one.timer = interval && needed ? setInterval(() => document.hidden || one.renew(), interval) : null;
}

function due(one) {
  if (one.due) return;
  one.due = setTimeout(() => {
    one.due = null;
    one.renew();
  }, GATHER_MS);
}

/** Renew when something happens in one of `topics`, or every `every` seconds where no stream says so. Returns what ends it. */
export function onTopics(topics, renew, every = null) {
  const one = { topics, renew, every, timer: null, due: null };
  renewals.add(one);
  schedule(one);
  for (const topic of topics) follow(topic);
  return () => {
    clearInterval(one.timer);
    clearTimeout(one.due);
    renewals.delete(one);
    for (const topic of topics) leave(topic);
  };
}

/** Renew all that is shown, at once. */
export function renewAll() {
  for (const one of renewals) one.renew();
}

/** Take the messages of a topic, gathered once a frame: `take(messages)`, each `{ kind, rows, set, gone }`. Returns what ends it. */
export function onMessages(topic, take) {
  if (!readers.has(topic)) readers.set(topic, new Set());
  readers.get(topic).add(take);
  follow(topic);
  return () => {
    readers.get(topic)?.delete(take);
    if (!readers.get(topic)?.size) readers.delete(topic);
    leave(topic);
  };
}

const followed = new Map(); // topic -> { count, stop }

function follow(topic) {
  const one = followed.get(topic) || { count: 0, stop: null };
  one.count += 1;
  followed.set(topic, one);
  listen(topic, one);
}

function listen(topic, one) {
  if (!stream || one.stop || !TOPIC.test(topic)) return;
  let first = true; // whoever asked has just loaded what the first snapshot has
  one.stop = stream.subscribe(topic, (message) => {
    if (!first && message.kind !== "resumed") for (const each of renewals) if (each.topics.includes(topic)) due(each);
    first = false;
    gather(topic, message);
  });
}

function leave(topic) {
  const one = followed.get(topic);
  one.count -= 1;
  if (one.count > 0) return;
  one.stop?.();
  followed.delete(topic);
}

function hand() {
  for (const [topic, messages] of waiting) for (const take of readers.get(topic) || []) take(messages);
  waiting.clear();
}

function gather(topic, message) {
  if (!readers.has(topic)) return;
  if (!waiting.size) requestAnimationFrame(hand);
  if (!waiting.has(topic)) waiting.set(topic, []);
  waiting.get(topic).push(message);
}

/** Open the stream, or open it again after a login; while there is none the page asks again at intervals, and says so. */
export function startLive() {
  if (stream) {
    stream.reconnect();
    return;
  }
  stream = new Stream();
  for (const [topic, one] of followed) listen(topic, one);
  stream.onState(({ state: now }) => {
    if (now === "live") setState("live");
    else if (state === "live" || state === "unknown") setState("polling");
  });
}

/** What was missed while nobody looked is asked for when somebody does. */
export function renewWhenSeen() {
  document.addEventListener("visibilitychange", () => document.hidden || state === "live" || renewAll());
}

/** The service answers, or it does not; when it answers again all that is shown is renewed. */
export function reachable(yes) {
  const was = state;
  if (!yes) setState("offline");
  else if (was === "offline" || was === "unknown") setState("polling");
  if (yes && was === "offline") renewAll();
}
