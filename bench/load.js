// What the simulated people do. One run of k6 is one slice of one scenario; bench/k6.py starts it.
//
// BENCH_PLAN (JSON) says what to do: `does` names a function at the end of this file, `executor` is
// k6's own, `origin` the server, `pace` how long people pause: 1 as people do, 0 not at all; where
// they pause, `from_s` is when to begin measuring, and `seconds` for how long.
// BENCH_FOLDER holds people.json, quizzes.json and attempts.json. BENCH_FOUND is written at the end.
import exec from "k6/execution";
import http from "k6/http";
import { sleep } from "k6";
import { SharedArray } from "k6/data";
import { Counter, Trend } from "k6/metrics";

const plan = JSON.parse(__ENV.BENCH_PLAN);
const shared = (name) => new SharedArray(name, () => JSON.parse(open(`${__ENV.BENCH_FOLDER}/${name}.json`)));
const people = shared("people");
const quizzes = shared("quizzes");
const attempts = shared("attempts");

const took = new Trend("took", true);
const kinds = Object.fromEntries((plan.kinds || []).map((kind) => [kind, new Trend(`took_${kind}`, true)]));
const wrong = new Counter("wrong");
const attemptsDone = new Counter("attempts_done");
const changed = new Counter("changed");

export const options = {
  scenarios: { slice: plan.executor },
  discardResponseBodies: true,
  summaryTrendStats: ["count", "med", "p(95)", "p(99)", "max"],
  systemTags: [],
};

export function handleSummary(data) {
  const { metrics, state } = data;
  const values = Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, metric.values]));
  return { [__ENV.BENCH_FOUND]: JSON.stringify({ elapsed_ms: state.testRunDurationMs, values }) };
}

// -- asking ------------------------------------------------------------------------------------------

const STRAYED = new Error("An answer was not the expected one.");
let isFirstWrong = true;

const now = () => exec.instance.currentTestRunDuration / 1000;
const isMeasured = () => !plan.pace || (now() >= plan.from_s && now() < plan.from_s + plan.seconds);

// Ask, note how long it took, and return the response. Throws STRAYED where it is not the expected
// one. kind: null where it is not measured. keep: its body is needed; else k6 throws it away.
function ask(kind, method, path, headers, { body = null, expects = [200], keep = false } = {}) {
  const response = http.request(method, plan.origin + path, body, {
    headers,
    redirects: 0,
    responseType: keep ? "text" : "none",
  });
  if (!expects.includes(response.status)) {
    wrong.add(1);
    if (isFirstWrong) tell(method, path, expects, response, headers);
    isFirstWrong = false;
    throw STRAYED;
  }
  if (kind && isMeasured()) {
    took.add(response.timings.duration);
    if (kinds[kind]) kinds[kind].add(response.timings.duration);
  }
  return response;
}

// The first wrong answer in words. Where its body is thrown away, what is read is asked once more.
function tell(method, path, expects, response, headers) {
  const { status, error, body } = response;
  const reference = response.headers["X-Request-Id"] || "";
  let said = error || body;
  if (!said && method === "GET") {
    const again = http.get(plan.origin + path, { headers, redirects: 0, responseType: "text" });
    said = `Asked once more: ${again.status}\n${again.body || ""}`;
  }
  const what = `${method} ${path} answered ${status}, not ${expects.join(" or ")}, after ${now().toFixed(1)} s.`;
  console.log(JSON.stringify({ wrong: `${what}\n${said.slice(0, 2000)}`, reference }));
}

// Once for each argument: what k6 shares among its people costs a parse each time it is read.
function kept(make) {
  const made = new Map();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key);
  };
}

const asBrowser = kept((person) => ({
  Accept: "text/html",
  "Accept-Encoding": plan.encoding || "br, gzip",
  Cookie: people[person].cookie,
  Origin: plan.origin,
  "Sec-Fetch-Site": "same-origin",
}));
const asHtmx = kept((person) => ({ ...asBrowser(person), "HX-Request": "true" }));
const asProgram = kept((person) => ({
  Accept: "application/json",
  "Accept-Encoding": "gzip",
  "Content-Type": "application/json",
  "x-api-key": people[person].key,
}));
const asScript = kept((person) => ({
  Accept: "application/json",
  "Accept-Encoding": "gzip",
  Cookie: people[person].cookie,
  "Sec-Fetch-Site": "same-origin",
}));
const asStranger = () => ({ Accept: "text/html", "Accept-Encoding": plan.encoding || "br, gzip" });
const credentials = { browser: asBrowser, program: asProgram, script: asScript, stranger: asStranger };

const quiz = kept((place) => quizzes[place % quizzes.length]);

// How many requests everybody has made so far, if all are equally fast: rotates people and quizzes.
const turn = () => __ITER * plan.vus + __VU - 1;

const between = (least, most) => least + Math.random() * (most - least);
const anyOf = (list) => list[Math.floor(Math.random() * list.length)];

// -- what people do: each yields after a request, with the seconds that a person would pause --------

function* reading() {
  for (;;) {
    const n = turn();
    const path = plan.path.replace("{quiz}", quiz(n).id);
    ask("read", "GET", path, credentials[plan.as](n % plan.people));
    yield 0;
  }
}

// Open attempts that were made ready: nothing but answers, the last of which completes.
function* answering() {
  for (let mine = __VU - 1; mine < attempts.length; mine += plan.vus) {
    const { person, quiz_id, attempt, answers } = attempts[mine];
    const headers = asHtmx(person);
    for (const [question, answer] of answers) {
      const body = { attempt, question, answer };
      ask("answer", "POST", `/quiz/${quiz_id}/play/answer`, headers, { body, expects: [200, 204] });
      yield 0;
    }
    attemptsDone.add(1);
  }
  throw new Error("There are no more open attempts: too few were made ready.");
}

// A whole attempt at once, as an importer records it. No two act for one person at a time.
function* submitting() {
  const mine = Math.max(1, Math.floor(plan.people / plan.vus));
  for (let n = 0; ; n += 1) {
    const person = __VU - 1 + plan.vus * (n % mine);
    const { id, questions } = quiz(__VU + n);
    const answers = questions.map(([question, choices]) => ({ questionId: question, answerId: anyOf(choices) }));
    ask("submit", "POST", `/api/quizzes/${id}/attempts`, asProgram(person), {
      body: JSON.stringify({ answers, totalTimeMs: 60000 }),
      expects: [201],
      keep: true,
    });
    attemptsDone.add(1);
    yield 0;
  }
}

const SENDS = /data-sends="(answer|next)"/;
const FIELD = /<input[^>]*\sname="(attempt|question|answer)"[^>]*\svalue="([0-9a-f-]{36})"/g;
const RESULT = /\/quiz\/[0-9a-f-]{36}\/results\/[0-9a-f-]{36}/;
const SCORE = /<title>(\d+) of \d+/;

// The hidden fields of a play page's form, and the answers to choose from.
function formOf(page) {
  const form = { choices: [] };
  for (const [, name, value] of page.matchAll(FIELD)) {
    if (name === "answer") form.choices.push(value);
    else form[name] = value;
  }
  return form;
}

// One whole attempt in a browser with htmx, to its result. told: hears of each answer that was
// taken, and of the score.
function* attempt(person, { id, questions }, { told = () => {}, lastAt = null } = {}) {
  const browser = asBrowser(person);
  const htmx = asHtmx(person);
  ask("start", "POST", `/quiz/${id}/play`, browser, { expects: [303], keep: true });
  yield 0.2;
  let shown = ask("first_question", "GET", `/quiz/${id}/play`, browser, { keep: true });
  for (let given = 1; ; given += 1) {
    const { attempt, question, choices } = formOf(shown.body);
    const body = { attempt, question, answer: anyOf(choices) };
    const isLast = given === questions.length;
    yield isLast && lastAt ? lastAt() : between(...plan.pause_s);
    const kind = isLast ? "last_answer" : "answer";
    shown = ask(kind, "POST", `/quiz/${id}/play/answer`, htmx, { body, expects: [200, 204], keep: true });
    told(body);
    const over = RESULT.exec(shown.status === 204 ? shown.headers["Hx-Redirect"] : shown.body);
    if (over) {
      yield between(1, 4);
      attemptsDone.add(1);
      const result = ask("result", "GET", over[0], browser, { keep: true });
      told({ attempt, score: Number(SCORE.exec(result.body)[1]) });
      return;
    }
    if (SENDS.exec(shown.body)[1] === "next") {
      yield between(1, 4);
      const go = { attempt, question };
      shown = ask("next", "POST", `/quiz/${id}/play/next`, htmx, { body: go, keep: true });
    }
  }
}

// Attempts without end, each with the board after it; never two at one quiz by one person. `me` of
// `everybody` who plays: the people are dealt out among them.
function* playing(me = __VU - 1, everybody = plan.vus, first = plan.first, last = plan.people) {
  const mine = Math.max(1, Math.floor((last - first) / everybody));
  for (let n = 0; ; n += 1) {
    const person = first + me + everybody * (n % mine);
    const which = quiz(me + n);
    if (plan.pace) {
      ask("quiz", "GET", `/quiz/${which.id}`, asBrowser(person));
      yield between(3, 10);
    }
    yield* attempt(person, which);
    yield between(5, 10);
    ask("its_board", "GET", `/quiz/${which.id}/results`, asBrowser(person));
    yield between(5, 10);
  }
}

function* browsing() {
  const browser = asBrowser((__VU - 1) % plan.people);
  for (let n = __VU; ; n += 1) {
    ask("list", "GET", "/", browser);
    yield between(3, 10);
    const path = `/quiz/${quiz(n).id}`;
    ask("quiz", "GET", path, browser);
    yield between(3, 10);
    ask("board", "GET", `${path}/results`, browser);
    yield between(3, 10);
    if (n % 4 === 0) {
      ask("global_board", "GET", "/leaderboard", browser);
      yield between(3, 10);
    }
  }
}

// An open board page: it asks every 10 to 15 seconds whether there is anything new.
function* watching() {
  const person = (__VU - 1) % plan.people;
  const path = `/quiz/${quiz("watched" in plan ? plan.watched : __VU).id}/results`;
  const pause = between(10, 15);
  let tag = ask(plan.pace ? "board" : null, "GET", path, asBrowser(person)).headers["Hx-Ptag"];
  for (;;) {
    yield pause;
    const headers = { ...asHtmx(person), "HX-PTag": tag };
    const response = ask("poll", "GET", `${path}?page=1`, headers, { expects: [200, 304] });
    if (response.status === 200) {
      changed.add(1);
      tag = response.headers["Hx-Ptag"];
    }
  }
}

// Everything that is read, in turn; one in four plays, and one in eight comes with a new connection
// each time.
function* touring() {
  if (__VU % 4 === 0) yield* playing();
  for (;;) {
    const n = turn();
    const [as, path] = plan.tour[(n + __VU) % plan.tour.length];
    const headers = credentials[as](n % plan.people);
    if (__VU % 8 === 1) headers.Connection = "close";
    ask(as, "GET", path.replace("{quiz}", quiz(n).id), headers);
    yield between(...plan.tour_pauses[__VU % plan.tour_pauses.length]);
  }
}

// Of each ten people six browse, three play, and one watches a board.
function mixed() {
  const [group, place] = [Math.floor((__VU - 1) / 10), (__VU - 1) % 10];
  if (place < 6) return browsing();
  const players = Math.ceil(plan.vus / 10) * 3;
  return place < 9 ? playing(3 * group + place - 6, players, plan.people, plan.people + players) : watching();
}

// A crowd at one quiz: everybody starts at about the same time, and their last answers come within a
// few seconds. What each was told is written down, to be compared with what is stored.
function* finishing() {
  const lastAt = between(plan.last_from_s, plan.last_until_s);
  yield* attempt(__VU - 1, quiz(plan.watched), {
    told: (what) => console.log(JSON.stringify(what)),
    lastAt: () => Math.max(0, lastAt - now()),
  });
  ask("its_board", "GET", `/quiz/${quiz(plan.watched).id}/results`, asBrowser(__VU - 1));
}

// -- one iteration is one step ------------------------------------------------------------------------

const does = { answering, finishing, mixed, playing, reading, submitting, touring, watching };
let steps;

export default function () {
  if (!steps) {
    steps = does[plan.does]();
    if (plan.arrive_s) sleep(between(0, plan.arrive_s));
  }
  try {
    const { done, value } = steps.next();
    if (done) sleep(1);
    else if (plan.pace) sleep(plan.pace * value);
  } catch (error) {
    if (error !== STRAYED) exec.test.abort(error.message);
    steps = undefined;
    if (plan.pace) sleep(1);
  }
}
