import { assertEquals, assertThrows } from "@std/assert";
import { createRandom } from "../../src/sampling/random.ts";
import { StopMatcher } from "../../src/text/stop.ts";

/** Pushes the pieces; gives what came of each, then of the flush. */
function run(stops: string[], pieces: string[]): string[] {
  const matcher = new StopMatcher(stops);
  const shown = pieces.map((piece) => {
    const { text, stopped } = matcher.push(piece);
    return stopped ? `${text}|` : text;
  });
  return [...shown, matcher.flush()];
}

Deno.test("StopMatcher.push() holds back a partial stop string", () => {
  const cases: [stops: string[], pieces: string[], shown: string[]][] = [
    [[], ["any", "thing"], ["any", "thing", ""]],
    [["stop"], ["no end"], ["no end", ""]],
    [["stop"], ["a st"], ["a ", "st"]],
    [["stop"], ["a st", "ep"], ["a ", "step", ""]],
    [["stop"], ["a st", "op b"], ["a ", "|", ""]],
    [["stop"], ["stop"], ["|", ""]],
    [["stop"], ["s", "t", "s", "top!"], ["", "", "st", "|", ""]],
    [["\n\n"], ["a\n", "b\n", "\nc"], ["a", "\nb", "|", ""]],
    [["aaab"], ["aaaa", "aa", "b", "c"], ["a", "aa", "|", "|", ""]],
    [["abcabd"], ["abcabcab", "d"], ["abc", "|", ""]],
    [["😀!"], ["x😀", "?"], ["x", "😀?", ""]],
    [["xyz", "yq"], ["axy", "q"], ["a", "x|", ""]],
  ];
  for (const [stops, pieces, shown] of cases) {
    assertEquals(run(stops, pieces), shown, JSON.stringify([stops, pieces]));
  }
});

Deno.test("StopMatcher.push() stops at the string that is complete first", () => {
  assertEquals(run(["bc", "abcd"], ["abcd"]), ["a|", ""]);
});

Deno.test("StopMatcher.push() stops before the longer of two that end together", () => {
  assertEquals(run(["c", "abc"], ["xabc"]), ["x|", ""]);
  assertEquals(run(["abc", "c"], ["xabc"]), ["x|", ""]);
});

Deno.test("StopMatcher.push() gives nothing after a stop", () => {
  const matcher = new StopMatcher(["."]);
  assertEquals(matcher.push("a.b"), { text: "a", stopped: true });
  assertEquals(matcher.push("c"), { text: "", stopped: true });
  assertEquals(matcher.flush(), "");
});

Deno.test("StopMatcher.push() never cuts a character in two", () => {
  assertEquals(run(["\ude00"], ["😀"]), ["😀", ""]);
});

Deno.test("StopMatcher() refuses an empty stop string", () => {
  assertThrows(
    () => new StopMatcher(["a", ""]),
    RangeError,
    "Cannot stop at an empty string",
  );
});

Deno.test("StopMatcher.push() gives the same for every way to cut a text", () => {
  const random = createRandom(1, 0);
  const pick = (size: number) => Math.floor(random() * size);
  const word = (size: number) =>
    Array.from({ length: size }, () => "ab"[pick(2)]).join("");
  for (let round = 0; round < 2000; round++) {
    const stops = Array.from({ length: 1 + pick(3) }, () => word(1 + pick(5)));
    const text = word(pick(20));
    const pieces: string[] = [];
    for (let at = 0; at < text.length;) {
      const size = pick(5);
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    const about = JSON.stringify({ stops, pieces });
    const shown = run(stops, pieces).join("").replace(/\|+/, "");
    assertEquals(shown, firstStop(stops, text), about);
    assertEquals(run(stops, [text]).join("").replace("|", ""), shown, about);
  }
});

Deno.test("StopMatcher.push() holds back no more than it must", () => {
  const random = createRandom(2, 0);
  for (let round = 0; round < 500; round++) {
    const stops = ["abaab", "aab", "bbab"];
    const matcher = new StopMatcher(stops);
    let text = "", shown = "", stopped = false;
    while (!stopped && text.length < 30) {
      const unit = random() < 0.5 ? "a" : "b";
      text += unit;
      const result = matcher.push(unit);
      shown += result.text;
      stopped = result.stopped;
      if (stopped) break;
      assertEquals(text.length - shown.length, longestPartial(stops, text));
    }
  }
});

/** What {@link StopMatcher} defines, said naively. */
function firstStop(stops: string[], text: string): string {
  for (let end = 1; end <= text.length; end++) {
    const ended = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    if (ended.length > 0) {
      return text.slice(0, end - Math.max(...ended.map((s) => s.length)));
    }
  }
  return text;
}

function longestPartial(stops: string[], text: string): number {
  let longest = 0;
  for (const stop of stops) {
    for (let size = 1; size < stop.length; size++) {
      if (text.endsWith(stop.slice(0, size))) longest = Math.max(longest, size);
    }
  }
  return longest;
}
