// The offer as rules of json-rules-engine, run for one person after the other: gates by priority, the score as a fact that
// is computed when a rule first asks for it.
//
//     node json-rules-engine-peer.mjs DIRECTORY MODULES
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const [directory, modules] = process.argv.slice(2);
const { Engine } = createRequire(join(resolve(modules), 'index.js'))('json-rules-engine');

function engineFor({ offer, constants }) {
  const { place, weights } = offer;
  const engine = new Engine([], { allowUndefinedFacts: false });
  let priority = 1000;
  const gate = (reason, ...all) => {
    engine.addRule({ conditions: { all }, event: { type: reason }, priority: (priority -= 1), onSuccess: () => engine.stop() });
  };
  const is = (fact, value, path) => ({ fact, operator: 'equal', value, ...(path && { path }) });
  const isNot = (fact, value, path) => ({ fact, operator: 'notEqual', value, ...(path && { path }) });
  gate('objected', is('objected', true));
  gate('paused', is('paused', true));
  for (const state of constants.topic_states) if (state !== 'granted') gate(state, is('topic', state));
  gate('consent_expired', { fact: 'silent_days', operator: 'greaterThan', value: constants.retention_days });
  gate('place_unknown', is('located', false));
  engine.addFact('beyond_reach', async (_, almanac) => (await almanac.factValue('chord')) - place.reach[await almanac.factValue('area')] / 2 ** 40);
  engine.addFact('beyond_time', async (_, almanac) => (await almanac.factValue('chord')) - place.in_time[await almanac.factValue('area')] / 2 ** 40);
  gate('too_far', { fact: 'beyond_reach', operator: 'greaterThan', value: 0 });
  gate('too_late', { fact: 'beyond_time', operator: 'greaterThan', value: 0 });
  offer.rules.forEach((rule, number) => {
    const path = `$[${number}]`;
    if (rule.unknown === 'exclude') gate('suitability_unknown', is('rules', -1, path));
    gate('unsuitable', isNot('rules', -1, path), isNot('rules', rule.when.is, path));
  });
  engine.addFact('has', async (_, almanac) => (await almanac.factValue('ties')).some((tie) => tie.has));
  gate('already_has', is('has', true));
  const fixed = [place.opening_bp, offer.season_bp, offer.ends_soon_bp].filter((part) => part !== null);
  const sum = fixed.reduce((total, part) => total + part, 0);
  engine.addFact('score', async (_, almanac) => {
    const [ties, need, proximity, measured, isGoodHour, profiled, lifecycle, reaction] = await Promise.all(
      ['ties', 'need', 'proximity', 'measured', 'good_hour', 'profiled', 'lifecycle', 'reaction'].map((name) => almanac.factValue(name)));
    let affinity = ties.length ? Math.max(...ties.map((tie) => tie.bp)) : constants.topic_bp;
    if (ties.some((tie) => tie.recent)) affinity = Math.floor(affinity / 2);
    affinity = Math.max(affinity, need);
    const known = [[weights[0], proximity], [weights[1], affinity]];
    if (fixed.length) {
      const more = measured && isGoodHour ? 1 : 0;
      known.push([weights[2], Math.min(Math.floor((sum + more * 10_000) / (fixed.length + more)), Math.max(proximity, affinity))]);
    }
    if (profiled) known.push([weights[3], offer.fit_bp[lifecycle]]);
    if (measured && reaction) known.push([weights[4], Math.min(reaction, 5) * 2000]);
    const weight = known.reduce((total, [each]) => total + each, 0);
    return { evidence: weight * 100, relevance: Math.floor(known.reduce((total, [each, value]) => total + each * value, 0) / weight) };
  });
  engine.addFact('below_own', async (_, almanac) => (await almanac.factValue('score')).relevance < (await almanac.factValue('own')));
  gate('too_little_known', { fact: 'score', path: '$.evidence', operator: 'lessThan', value: offer.minimum_evidence });
  gate('below_threshold', { fact: 'score', path: '$.relevance', operator: 'lessThan', value: offer.threshold });
  gate('below_own_threshold', is('below_own', true));
  return engine;
}

const prepared = {};
const scored = new Set(['approved', 'too_little_known', 'below_threshold', 'below_own_threshold']);
for await (const line of createInterface({ input: process.stdin })) {
  const [name] = line.split(' ');
  if (!prepared[name]) {
    const told = JSON.parse(readFileSync(join(directory, name, 'facts.json'), 'utf8'));
    prepared[name] = { people: told.people, engine: engineFor(told) };
  }
  const { people, engine } = prepared[name];
  const runs = new Array(people.length);
  const [start, before] = [process.hrtime.bigint(), process.cpuUsage()];
  for (let number = 0; number < people.length; number += 1) runs[number] = await engine.run(people[number]);
  const { user, system } = process.cpuUsage(before);
  // On a busy machine a process waits for its turn.
  const ns = Math.min(Number(process.hrtime.bigint() - start), (user + system) * 1000);
  const counts = {};
  let relevance = 0;
  for (const { events, almanac } of runs) {
    const outcome = events[0]?.type ?? 'approved';
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (scored.has(outcome)) relevance += (await almanac.factValue('score')).relevance;
  }
  console.log(JSON.stringify({ ns, pairs: people.length, tally: { counts, relevance } }));
}
