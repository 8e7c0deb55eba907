// A person as the judgment takes them, from either form of item. The same object each time: nothing is allocated.

/** How many facts there are, in the order of the constants. */
const FACTS = 12;
const VENTILATION = 11;
const NUMBERS = 8;
const UNKNOWN = -1;
const INTEREST = 255;

export function person() {
  return {
    version: 0,
    topics: new Uint8Array(16),
    purposes: 0,
    noMarketing: false,
    pausedUntil: 0,
    hasHome: false,
    home: new Int32Array(3),
    area: 0,
    lifecycle: 0,
    reaction: 0,
    heardOn: 0,
    threshold: 0xffff,
    goodHours: 0,
    quartersAhead: 0,
    facts: new Int16Array(FACTS),
    ties: new Uint8Array(64),
    tied: 0,
  };
}

/** From the compact record: one binary attribute. */
export function ofRecord(bytes, into, today) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== 6) throw new Error("the record is not of this form");
  into.version = view.getUint32(1);
  const high = view.getUint16(5);
  const low = view.getUint32(7);
  for (let topic = 0; topic < 10; topic += 1) into.topics[topic] = (low >>> (3 * topic)) & 7;
  into.topics[10] = ((low >>> 30) | (high << 2)) & 7;
  for (let topic = 11; topic < 16; topic += 1) into.topics[topic] = (high >>> (3 * topic - 32)) & 7;
  const flags = bytes[11];
  const life = bytes[12];
  const places = bytes[13];
  into.purposes = flags & 15;
  into.noMarketing = (flags & 16) !== 0;
  into.hasHome = (flags & 32) !== 0;
  into.area = places & 3;
  into.reaction = (life >> 3) & 7;
  let at = 14;
  if (into.hasHome) {
    place(view.getInt32(at), view.getInt32(at + 4), (places >> 2) & 7, into.home);
    at += 8;
  }
  if (flags & 128) throw new Error("the workload has no current places");
  into.pausedUntil = 0;
  if (flags & 64) {
    into.pausedUntil = view.getUint32(at);
    at += 4;
  }
  into.heardOn = view.getUint16(at);
  into.threshold = view.getUint16(at + 2);
  into.lifecycle = lifecycle(life & 7, view.getUint16(at + 6), view.getUint16(at + 8), view.getUint16(at + 10), today);
  at += 6;
  const bits = bytes[at + 6] | (bytes[at + 7] << 8);
  for (let fact = 0; fact < NUMBERS; fact += 1) into.facts[fact] = ((bits >> (2 * fact)) & 3) - 1;
  for (let fact = NUMBERS; fact < VENTILATION; fact += 1) into.facts[fact] = number(view.getInt8(at + fact));
  into.facts[VENTILATION] = (life >> 6) - 1;
  into.goodHours = bytes[at + 11];
  into.quartersAhead = view.getInt8(at + 12);
  at += 13;
  // Category, month and day of each purchase, then the categories of interests.
  into.tied = 3 * bytes[at];
  at += 1;
  for (let tie = 0; tie < into.tied; tie += 1) into.ties[tie] = bytes[at + tie];
  for (at += into.tied; at < bytes.length; at += 1) {
    into.ties[into.tied] = bytes[at];
    into.ties[into.tied + 1] = INTEREST;
    into.tied += 3;
  }
}

// How it goes on in silence: the last days of being new, active and lapsing.
function lifecycle(derived, newUntil, activeUntil, lapsingUntil, today) {
  if (newUntil + activeUntil + lapsingUntil === 0) return derived;
  if (today <= newUntil) return 1;
  if (today <= activeUntil) return 2;
  return today <= lapsingUntil ? 3 : 4;
}

const number = (byte) => (byte === -128 ? UNKNOWN : byte);

const AREAS = ["", "dense_city", "town", "country"];
const LIVES = ["prospect", "new", "active", "lapsing", "lost"];
const STATES = ["", "granted", "pending", "denied", "withdrawn", "expired"];
const PURPOSES = ["profiling", "home_location", "current_location", "measurement"];

/** From the same facts as a map of attributes, as one models them without a thought of size. */
export function ofMap(map, into, names, today) {
  into.version = Number(map.version.N);
  into.topics.fill(0);
  for (const [topic, { S }] of Object.entries(map.topics.M)) into.topics[Number(topic.slice(6))] = STATES.indexOf(S);
  into.purposes = 0;
  PURPOSES.forEach((purpose, bit) => {
    if (map[purpose].BOOL) into.purposes |= 1 << bit;
  });
  into.noMarketing = map.no_marketing.BOOL;
  into.pausedUntil = map.paused_until ? Number(map.paused_until.N) : 0;
  into.hasHome = map.home !== undefined;
  if (into.hasHome) {
    const { x, y, z } = map.home.M;
    into.home[0] = Number(x.N);
    into.home[1] = Number(y.N);
    into.home[2] = Number(z.N);
  }
  into.area = map.area ? AREAS.indexOf(map.area.S) : 0;
  const [newUntil, activeUntil, lapsingUntil] = map.stages.L.map((day) => Number(day.N));
  into.lifecycle = lifecycle(LIVES.indexOf(map.lifecycle.S), newUntil, activeUntil, lapsingUntil, today);
  into.reaction = Number(map.reaction.N);
  into.heardOn = map.heard_on ? Number(map.heard_on.N) : 0;
  into.threshold = map.threshold ? Number(map.threshold.N) : 0xffff;
  into.goodHours = Number(map.good_hours.N);
  into.quartersAhead = Number(map.quarters_ahead.N);
  into.facts.fill(UNKNOWN);
  for (const [fact, value] of Object.entries(map.facts.M)) {
    into.facts[names.indexOf(fact)] = value.N === undefined ? Number(value.BOOL) : Number(value.N);
  }
  into.tied = 0;
  for (const { M } of map.ties.L) {
    into.ties[into.tied] = Number(M.category.N);
    into.ties[into.tied + 1] = M.month === undefined ? INTEREST : Number(M.month.N);
    into.ties[into.tied + 2] = M.day === undefined ? 0 : Number(M.day.N);
    into.tied += 3;
  }
}

// Two components of a unit vector at scale 2^30 are stored; the third is the whole root of what they leave of 2^60. Squares
// in two halves of 30 bits, because a double is exact to 53 only.
let high = 0;
let low = 0;

function square(value) {
  const size = Math.abs(value);
  const upper = size >>> 15;
  const lower = size & 0x7fff;
  const between = 2 * upper * lower;
  const carried = Math.floor(between / 32_768);
  low = (between - carried * 32_768) * 32_768 + lower * lower;
  high = upper * upper + carried;
}

function place(first, second, form, into) {
  square(first);
  let restHigh = 1_073_741_824 - high;
  let restLow = -low;
  square(second);
  restHigh -= high;
  restLow -= low;
  let third = Math.floor(Math.sqrt(restHigh * 1_073_741_824 + restLow));
  const exceeds = (root) => {
    square(root);
    return (high - restHigh) * 1_073_741_824 + (low - restLow) > 0;
  };
  if (exceeds(third)) third -= 1;
  else if (!exceeds(third + 1)) third += 1;
  if (form & 4) third = -third;
  const left = form & 3;
  into[0] = left === 0 ? third : first;
  into[1] = left === 0 ? first : left === 1 ? third : second;
  into[2] = left === 2 ? third : second;
}
