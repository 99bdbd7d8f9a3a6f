/**
 * What the service streams, held for a page: rows by topic, kept current, over lost connections and restarts of the service.
 *
 *   const stream = new Stream();
 *   const stop = stream.subscribe("orders", ({ rows, set, gone, kind }) => draw(rows));
 *   stream.onState(({ state, reason }) => badge(state, reason));
 *
 * Each topic is a Map from a row's `key` to the row. The connection is made with the first subscription, opened anew with growing pauses when it is lost,
 * and resumed by the cursor of each topic, so that nothing is missed and nothing comes twice. No dependency, no storage, no key in an address.
 */

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** Milliseconds without any message after which the connection counts as dead: heartbeats come every 10 s. */
const SILENCE = 25_000;
/** Close codes after which it is no use to try again: a wrong message, no valid key, not allowed. */
const FINAL = new Set([4400, 4401, 4403]);

export class Stream {
  /**
   * @param {object} [options]
   * @param {string} [options.url] default: /api/v1/stream of the page's own host
   * @param {string} [options.key] an API key; a browser that is logged in has its cookie and needs none
   * @param {number} [options.silence] milliseconds without a message after which the connection is made anew
   * @param {typeof WebSocket} [options.socket] another WebSocket class, for tests
   */
  constructor({ url, key, silence = SILENCE, socket = globalThis.WebSocket } = {}) {
    this.url = url ?? `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/stream`;
    this.key = key;
    this.silence = silence;
    this.Socket = socket;
    this.topics = new Map();
    this.watchers = new Set();
    this.state = { state: "idle", reason: "", attempt: 0 };
    this.attempt = 0;
    this.socket = null;
    this.closed = false;
  }

  /**
   * Hear of a topic. The listener is called with `{topic, kind, rows, set, gone}`: at once where rows are held already, then with each message.
   * `kind` is "snapshot", "delta" or "resumed"; `set` has the rows that are new or changed, `gone` the keys that left.
   *
   * @returns {() => void} ends it
   */
  subscribe(topic, listener) {
    let held = this.topics.get(topic);
    if (held === undefined) {
      held = { rows: new Map(), cursor: null, sequence: null, listeners: new Set(), asked: false };
      this.topics.set(topic, held);
    }
    held.listeners.add(listener);
    if (held.sequence !== null) {
      call(listener, { topic, kind: "snapshot", rows: held.rows, set: [...held.rows.values()], gone: [] });
    }
    this.#ask();
    return () => {
      held.listeners.delete(listener);
      if (held.listeners.size === 0 && this.topics.get(topic) === held) {
        this.topics.delete(topic);
        if (held.asked) this.#send({ type: "unsubscribe", topics: [topic] });
      }
    };
  }

  /** The rows of a topic that are held now, by key. */
  rows(topic) {
    return this.topics.get(topic)?.rows ?? new Map();
  }

  /**
   * Hear of the connection, at once and with each change: `{state, reason, attempt, next}`. `state` is "idle", "connecting", "live", "waiting" (lost; it is tried
   * again in `next` milliseconds) or "refused" (it is not tried again: no valid key, say).
   *
   * @returns {() => void} ends it
   */
  onState(listener) {
    this.watchers.add(listener);
    call(listener, this.state);
    return () => this.watchers.delete(listener);
  }

  /** Try again at once, where it waits or was refused: after a login, say. */
  reconnect() {
    this.closed = false;
    this.attempt = 0;
    this.#drop();
    this.#tell({ state: "idle", reason: "", attempt: 0 });
    this.#ask();
  }

  /** End the connection. */
  close() {
    this.closed = true;
    this.#drop();
    this.#tell({ state: "idle", reason: "closed", attempt: 0 });
  }

  #ask() {
    if (this.closed || this.topics.size === 0) return;
    if (this.socket === null) {
      if (this.timer === undefined && this.state.state !== "refused") this.#connect();
      return;
    }
    if (this.socket.readyState !== 1) return; // all are asked for when it opens
    // Subscriptions of one turn go in one message.
    if (this.asking) return;
    this.asking = true;
    queueMicrotask(() => {
      this.asking = false;
      this.#subscribeAll();
    });
  }

  #subscribeAll() {
    const topics = [...this.topics].filter(([, held]) => !held.asked);
    if (topics.length === 0 || this.socket?.readyState !== 1) return;
    const after = {};
    for (const [topic, held] of topics) {
      held.asked = true;
      if (held.cursor !== null) after[topic] = held.cursor;
    }
    const message = { type: "subscribe", topics: topics.map(([topic]) => topic), after };
    if (this.key !== undefined) message.key = this.key;
    this.#send(message);
  }

  #connect() {
    this.#tell({ state: "connecting", reason: this.state.reason, attempt: this.attempt });
    let socket;
    try {
      socket = new this.Socket(this.url);
    } catch (error) {
      this.#wait(String(error));
      return;
    }
    this.socket = socket;
    for (const held of this.topics.values()) held.asked = false;
    socket.onopen = () => this.#subscribeAll();
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      this.#listen();
      this.#take(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.#drop();
      const reason = event.reason || (event.code === 1006 ? "the connection was lost" : `closed (${event.code})`);
      if (FINAL.has(event.code)) this.#tell({ state: "refused", reason, attempt: this.attempt });
      else this.#wait(reason);
    };
    this.#listen();
  }

  /** From now on, silence counts anew. */
  #listen() {
    clearTimeout(this.silent);
    this.silent = setTimeout(() => {
      this.#drop();
      this.#wait(`nothing was heard for ${Math.round(this.silence / 1000)} s`);
    }, this.silence);
  }

  #drop() {
    clearTimeout(this.silent);
    clearTimeout(this.timer);
    this.timer = undefined;
    const socket = this.socket;
    this.socket = null;
    for (const held of this.topics.values()) held.asked = false;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {};
      socket.close();
    }
  }

  #wait(reason) {
    this.socket = null;
    this.attempt += 1;
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.attempt - 1));
    const next = longest / 2 + (Math.random() * longest) / 2; // not all pages at once, after a restart
    this.#tell({ state: "waiting", reason, attempt: this.attempt, next });
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.#ask();
    }, next);
  }

  #take(message) {
    if (message.type === "error") {
      this.#tell({ ...this.state, reason: message.message });
      return;
    }
    if (this.state.state !== "live") {
      this.attempt = 0;
      this.#tell({ state: "live", reason: "", attempt: 0 });
    }
    const held = this.topics.get(message.topic);
    if (held === undefined) return;
    if (message.type === "reset") {
      held.cursor = null;
    } else if (message.type === "snapshot") {
      held.rows = new Map(message.data.map((row) => [row.key, row]));
      this.#heard(held, message, message.data, []);
    } else if (message.type === "resumed") {
      this.#heard(held, message, [], []);
    } else if (message.type === "delta") {
      if (held.sequence === null) return; // on its way when the topic was asked for anew: the snapshot that comes has it
      if (message.sequence !== held.sequence + 1) {
        this.#again(message.topic, held); // what never happens: a hole is not passed over in silence
        return;
      }
      for (const key of message.data.gone) held.rows.delete(key);
      for (const row of message.data.set) held.rows.set(row.key, row);
      this.#heard(held, message, message.data.set, message.data.gone);
    }
  }

  #heard(held, { topic, type, sequence, cursor }, set, gone) {
    held.sequence = sequence;
    held.cursor = cursor;
    for (const listener of held.listeners) call(listener, { topic, kind: type, rows: held.rows, set, gone });
  }

  #again(topic, held) {
    held.cursor = held.sequence = null;
    held.asked = false;
    this.#send({ type: "unsubscribe", topics: [topic] });
    this.#ask();
  }

  #send(message) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }

  #tell(state) {
    this.state = state;
    for (const watcher of this.watchers) call(watcher, state);
  }
}

/** A listener that fails does not stop the others, and is seen in the console. */
function call(listener, told) {
  try {
    listener(told);
  } catch (error) {
    console.error(error);
  }
}
