// The shipped model for an offer of one place without hours, with a season: gates in their order, then five factors, in whole basis points.
// Returns the byte of the outcome, 0 for a candidate, and writes the five contributions.

const UNKNOWN = 255;
const [PROFILING, HOME_LOCATION, MEASUREMENT] = [1, 2, 8];

export function judge(model, person, now, out, at) {
  const { offer, code } = model;
  for (let factor = 0; factor < 5; factor += 1) out[at + factor] = UNKNOWN;
  if (!offer.in_force) return code.outside_window;
  if (person.noMarketing) return code.objected;
  if (now < person.pausedUntil) return code.paused;
  const state = person.topics[offer.topic];
  if (state !== 1) return model.states[state];
  if (person.heardOn > 0 && model.today > person.heardOn + model.retention_days) return code.consent_expired;

  const profiling = (person.purposes & PROFILING) !== 0;
  const measured = profiling && (person.purposes & MEASUREMENT) !== 0;
  if (!person.hasHome || (person.purposes & HOME_LOCATION) === 0) return code.place_unknown;
  const place = offer.places[0];
  const x = person.home[0] - place.vector[0];
  const y = person.home[1] - place.vector[1];
  const z = person.home[2] - place.vector[2];
  // Beyond 2^53 the sum is not exact, and too far.
  const distance = x * x + y * y + z * z;
  if (distance > place.reach[person.area]) return code.too_far;
  if (distance > place.in_time[person.area]) return code.too_late;

  for (const { when, neutral } of offer.rules) {
    const value = profiling ? person.facts[when.fact] : -1;
    if (value === -1) {
      if (!neutral) return code.suitability_unknown;
    } else if (value !== when.is) return code.unsuitable;
  }

  // Purchases and interests, by a table over category and month; all of them need profiling.
  let affinity = -1;
  let need = -1;
  let serves = false;
  if (profiling) {
    for (let tie = 0; tie < person.tied; tie += 3) {
      const figure = model.ties[person.ties[tie] * 256 + person.ties[tie + 1]];
      if (figure === 0) continue;
      const bp = (figure & 0x3fff) - 1;
      if (figure & model.meets) {
        const when = person.ties[tie + 1] * 256 + 256 + person.ties[tie + 2];
        if (when >= offer.has_from) return code.already_has;
        if (when >= offer.recent_from) serves = true;
        if (bp > need) need = bp;
        if (affinity < 0) affinity = 0;
      } else if (bp > affinity) affinity = bp;
    }
  }
  if (affinity < 0) affinity = model.topic_bp;
  if (serves) affinity >>= 1;
  else if (need > affinity) affinity = need;

  const proximity = model.nearness[share(place.scale[person.area], distance)];
  const best = Math.max(proximity, affinity);
  let moment = offer.season_bp;
  if (measured && isGoodHour(person.goodHours, now + person.quartersAhead * 900)) moment = Math.floor((moment + 10_000) / 2);
  if (moment > best) moment = best;
  const life = profiling ? offer.fit_bp[person.lifecycle] : -1;
  const appetite = measured && person.reaction > 0 ? Math.min(person.reaction, 5) * 2_000 : -1;

  const [wProximity, wAffinity, wMoment, wLife, wAppetite] = offer.weights;
  let known = wProximity + wAffinity + wMoment;
  let sum = wProximity * proximity + wAffinity * affinity + wMoment * moment;
  if (life >= 0) (known += wLife), (sum += wLife * life);
  if (appetite >= 0) (known += wAppetite), (sum += wAppetite * appetite);
  const added = (weight, value) => Math.floor(Math.floor((weight * value) / known) / 40);
  out[at] = added(wProximity, proximity);
  out[at + 1] = added(wAffinity, affinity);
  out[at + 2] = added(wMoment, moment);
  if (life >= 0) out[at + 3] = added(wLife, life);
  if (appetite >= 0) out[at + 4] = added(wAppetite, appetite);

  const relevance = Math.floor(sum / known);
  if (known * 100 < offer.minimum_evidence) return code.too_little_known;
  if (relevance < offer.threshold) return code.below_threshold;
  if (person.threshold !== 0xffff && relevance < person.threshold) return code.below_own_threshold;
  return 0;
}

// The distance in 16 384ths of the radius. The product has up to 61 bits: taken in two parts, each exact in a double.
function share({ up, down, factor }, distance) {
  const scaled = Math.floor((distance * 2 ** up) / 2 ** down);
  const upper = Math.floor(factor / 65_536);
  const low = Math.floor((scaled * (factor - upper * 65_536)) / 65_536);
  return Math.min(Math.floor(Math.sqrt(Math.floor((scaled * upper + low) / 65_536))), 16_383);
}

function isGoodHour(bits, now) {
  const stretch = Math.floor((Math.floor(now / 3_600) % 24) / 3);
  return ((1 << stretch) & bits) !== 0;
}
