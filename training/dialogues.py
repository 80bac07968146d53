"""Dialogues in ChatML of many shapes, each of which ends in questions about what was said long before.

Names and values of the two sides (`fit`, `choose`) are disjoint, and both are disjoint from those of the bench.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from .texts import Texts

_PEOPLE = (
    "Martin Sophie Peter Laura Nathan Emily Oliver Julia Frank Wendy Tomas Ingrid Pavel Nadia Hugo Marta Simon Lydia "
    "Arthur Bella Samuel Rosa Walter Clara Dennis Irene Felix Greta Louis Paula Conrad Judith"
).split()
_VALUES = {
    "place": "Rome Berlin Lima Athens Quebec Zurich Naples Milan Geneva Bristol Dallas Seoul Warsaw Chicago Havana Kyoto",
    "pet": "Whiskers Mittens Smokey Tiger Simba Nala Duke Bear Lucky Max Rex Molly Toby Angel Pixie Jasper",
    "food": "rice apples cheese bread soup beans corn salad honey garlic pasta salmon mushrooms carrots olives pears",
    "job": "teacher farmer doctor writer actor judge sailor driver painter singer plumber dentist baker pilot lawyer nurse",
    "car": "Toyota Volvo Ford Honda Tesla Fiat Subaru Mazda Audi Nissan Jeep Opel Skoda Lexus Volkswagen Porsche",
    "month": "January February March April May June July August September October November December",
    "sport": "soccer tennis hockey golf rugby chess cricket rowing boxing sailing skiing archery cycling fencing judo polo",
    "color": "teal orange purple green yellow crimson beige brown scarlet blue pink white black gray red gold",
    "instrument": "violin piano drums guitar flute cello trumpet harp banjo organ clarinet oboe viola bass tuba fiddle",
    "object": "ticket folder blanket candle wallet helmet scissors umbrella kettle camera notebook ladle anchor saddle "
    "magnet compass",
    "word": "thunder orchid comet walnut falcon ember lantern pebble cactus dolphin marigold quartz badger violet "
    "cinnamon parrot",
    "name": "alpha_rate max_retries page_size log_level timeout_ms batch_count buffer_len user_limit min_width "
    "cache_days port_base queue_depth retry_delay step_limit worker_num zone_index",
}
_NUMBERS = {"short": (100, 999), "long": (1000, 99_999), "phone": (100_000, 999_999)}

# What is told of somebody, what asks for it, how an answer begins, what the value is drawn from.
_ABOUT_PEOPLE = [
    ("The phone number of {} is {}.", "What is the phone number of {}?", "The phone number of {} is", "phone"),
    ("{} was born in {}.", "When was {} born?", "{} was born in", "month"),
    ("{} lives in {}.", "Where does {} live?", "{} lives in", "place"),
    ("The cat of {} is called {}.", "What is {}'s cat called?", "The cat of {} is called", "pet"),
    ("{} drives a {}.", "Which car does {} drive?", "{} drives a", "car"),
    ("The hobby of {} is {}.", "What is the hobby of {}?", "The hobby of {} is", "sport"),
    ("The locker of {} has number {}.", "Which locker does {} have?", "The locker of {} has number", "short"),
    ("The job of {} is {}.", "What is the job of {}?", "The job of {} is", "job"),
    ("The favorite food of {} is {}.", "What does {} like to eat?", "The favorite food of {} is", "food"),
    ("The code word of {} is {}.", "Please repeat the code word of {}.", "The code word of {} is", "word"),
    ("The account number of {} is {}.", "Which account number has {}?", "The account number of {} is", "long"),
]
_ABOUT_ME = [
    ("I live in {}.", "Where do I live?", "You live in", "place"),
    ("My favorite color is {}.", "What is my favorite color?", "Your favorite color is", "color"),
    ("My sister works as a {}.", "What does my sister do?", "Your sister works as a", "job"),
    ("My flight number is {}.", "What is my flight number?", "Your flight number is", "short"),
    ("I play the {}.", "Which instrument do I play?", "You play the", "instrument"),
    ("My door code is {}.", "What is my door code?", "Your door code is", "long"),
    ("My cat is called {}.", "What is my cat called?", "Your cat is called", "pet"),
    ("I was born in {}.", "In which month was I born?", "You were born in", "month"),
]
_ASKING_FOR_MORE = [
    "Tell me something else.",
    "Go on.",
    "What comes next?",
    "Thank you. Another part, please.",
    "And then?",
    "Could you say more?",
    "I would like to hear more about it.",
    "Okay, continue.",
]
_SYSTEMS = [
    "You are a helpful AI assistant.",
    "You are a friendly assistant who answers briefly.",
    "You help a team with its daily work.",
]


# A user's turn and the assistant's.
Turn = tuple[str, str]


@dataclass(frozen=True)
class Question:
    """A question, how its answer begins, and the words that must come then."""

    ask: str
    begun: str
    answer: str


@dataclass
class Story:
    """What is told, as turns of user and assistant, and what is asked at the end."""

    system: str
    turns: list[Turn] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    # What replies between end with, if the system prompt wants it.
    ending: str = ""


@dataclass(frozen=True)
class Fact:
    told: str
    ask: str
    begun: str
    value: str

    def question(self, before: str = "") -> Question:
        return Question(self.ask, before + self.begun, " " + self.value)


class Source:
    """Draws names and values of one side of the split."""

    def __init__(self, rng: random.Random, side: str) -> None:
        if side not in ("fit", "choose"):
            raise ValueError(f"Cannot draw dialogues to {side}: expected fit or choose")
        self.rng = rng
        # Of every four names the last is kept for choosing.
        self._mine = (lambda i: i % 4 == 3) if side == "choose" else (lambda i: i % 4 != 3)
        self._parity = side == "choose"

    def people(self, count: int) -> list[str]:
        return self.rng.sample([name for i, name in enumerate(_PEOPLE) if self._mine(i)], count)

    def value(self, kind: str) -> str:
        return self.values(kind, 1)[0]

    def values(self, kind: str, count: int) -> list[str]:
        if kind in _NUMBERS:
            # Even numbers to fit on, odd ones to choose by.
            return [str(self.rng.randint(*_NUMBERS[kind]) // 2 * 2 + self._parity) for _ in range(count)]
        return self.rng.sample([word for i, word in enumerate(_VALUES[kind].split()) if self._mine(i)], count)

    def facts(self, count: int) -> list[Fact]:
        """Facts about different people, or all about the user."""
        if self.rng.random() < 0.3:
            return [self._fact(row, None) for row in self.rng.sample(_ABOUT_ME, count)]
        people = self.people(count)
        rows = self.rng.sample(_ABOUT_PEOPLE, count)
        return [self._fact(row, person) for row, person in zip(rows, people)]

    def again(self, fact: Fact) -> Fact:
        """The same fact with another value."""
        for row in _ABOUT_PEOPLE + _ABOUT_ME:
            told = fact.told[: -len(fact.value) - 1]
            if fact.begun.endswith(row[2].split("{}")[-1]) and told:
                fresh = next(v for v in (self.value(row[3]) for _ in range(99)) if v != fact.value)
                return Fact(told + fresh + ".", fact.ask, fact.begun, fresh)
        raise ValueError(f"Cannot change {fact.told!r}: unknown kind")

    def _fact(self, row: tuple[str, str, str, str], person: str | None) -> Fact:
        told, ask, begun, kind = row
        value = self.value(kind)
        named = [] if person is None else [person]
        return Fact(told.format(*named, value), ask.format(*named), begun.format(*named), value)


def _told(source: Source, repeats: str) -> Story:
    """Facts told once, told and echoed, or told three times."""
    rng, facts = source.rng, source.facts(_fact_count(source))
    lead = rng.choice(["Keep in mind:", "Note that", "Please store this:", "For later:", "By the way,"])
    noted = rng.choice(["Noted.", "Understood.", "All right.", "Got it."])
    story = Story(rng.choice(_SYSTEMS))
    for fact in facts:
        if repeats == "thrice":
            story.turns.append((f"{lead} {fact.told} {fact.told}", f"{noted} {fact.told}"))
        elif repeats == "echoed":
            story.turns.append((f"{lead} {fact.told}", f"{noted} {fact.told}"))
        else:
            story.turns.append((f"{lead} {fact.told}", f"{noted} I will not forget it."))
    before = f"{noted} " if repeats != "once" and rng.random() < 0.5 else ""
    story.questions = [fact.question(before) for fact in facts]
    return story


def _fact_count(source: Source) -> int:
    """How many facts a dialogue has."""
    return source.rng.choice([2, 3, 3, 4])


def _asked_twice(source: Source) -> Story:
    """Facts told once, asked and answered soon, asked again at the end."""
    story = _told(source, "once")
    story.turns += [(q.ask, f"{q.begun}{q.answer}.") for q in story.questions]
    return story


def _corrected(source: Source) -> Story:
    """Facts told, then told otherwise: the later word holds."""
    rng, facts = source.rng, source.facts(_fact_count(source))
    story = Story(rng.choice(_SYSTEMS))
    for fact in facts:
        story.turns.append((f"Please note: {fact.told}", f"Noted. {fact.told}"))
    for index in rng.sample(range(len(facts)), (len(facts) + 1) // 2):
        facts[index] = new = source.again(facts[index])
        story.turns.append((f"That was wrong. {new.told}", f"I have corrected it. {new.told}"))
    story.questions = [fact.question() for fact in facts]
    return story


def _in_system(source: Source) -> Story:
    """Facts in the system prompt, told twice there."""
    facts = source.facts(_fact_count(source))
    told = " ".join(fact.told for fact in facts)
    story = Story(f"{source.rng.choice(_SYSTEMS)} These facts are important. {told} Once more: {told}")
    story.questions = [fact.question() for fact in facts]
    return story


def _instructed(source: Source) -> Story:
    """An instruction in the system prompt that every reply has to follow."""
    word = source.value("word")
    story = Story(f"{source.rng.choice(_SYSTEMS)} End every reply with the code word {word}.")
    story.ending = f" Code word: {word}"
    story.turns = [("Hello!", f"Hello! How can I help you?{story.ending}")]
    story.questions = [
        Question("Thank you very much.", "You are welcome. Code word:", " " + word),
        Question("Which code word do you have to use?", "The code word is", " " + word),
    ]
    return story


def _listed(source: Source) -> Story:
    """A list of things, by number."""
    things = source.values("object", 4)
    lines = "\n".join(f"{i + 1}. {thing}" for i, thing in enumerate(things))
    story = Story(source.rng.choice(_SYSTEMS))
    story.turns = [(f"This is my packing list:\n{lines}", f"I have noted your packing list:\n{lines}")]
    answer = "\n".join(f"{i + 1}. {thing}" for i, thing in enumerate(things[1:], 1))
    story.questions = [
        Question("Repeat my packing list.", f"This is your packing list:\n1. {things[0]}\n", answer),
    ]
    return story


def _key_values(source: Source) -> Story:
    """Lines of keys and values, asked by key."""
    people = source.people(4)
    places = source.values("place", 4)
    lines = "\n".join(f"{person}: {place}" for person, place in zip(people, places))
    story = Story(source.rng.choice(_SYSTEMS))
    story.turns = [(f"Here is a table of trips.\n{lines}", f"Thank you, I have the table.\n{lines}")]
    story.questions = [
        Question(f"Where does the trip of {person} go, according to the table?", f"{person}:", " " + place)
        for person, place in zip(people, places)
    ]
    return story


def _code(source: Source) -> Story:
    """Settings in a block of code."""
    names, numbers = source.values("name", 3), source.values("short", 3)
    lines = "\n".join(f"{name} = {number}" for name, number in zip(names, numbers))
    block = f"```python\n{lines}\n```"
    story = Story(source.rng.choice(_SYSTEMS))
    story.turns = [(f"This is my configuration:\n{block}", f"Your configuration is:\n{block}")]
    story.questions = [
        Question(f"What is the value of {name}?", f"```python\n{name} =", " " + number)
        for name, number in zip(names, numbers)
    ]
    return story


# Shapes by name. Those that small models can answer with nothing evicted come more often.
SHAPES: dict[str, tuple[int, Callable[[Source], Story]]] = {
    "thrice": (3, lambda source: _told(source, "thrice")),
    "echoed": (4, lambda source: _told(source, "echoed")),
    "once": (1, lambda source: _told(source, "once")),
    "asked_twice": (3, _asked_twice),
    "corrected": (2, _corrected),
    "system": (1, _in_system),
    "instructed": (1, _instructed),
    "list": (2, _listed),
    "key_values": (2, _key_values),
    "code": (2, _code),
}


def draw_story(source: Source) -> Story:
    """A story of a random shape."""
    weights, makers = zip(*SHAPES.values())
    return source.rng.choices(makers, weights)[0](source)


def filler(source: Source, texts: Texts, replies: tuple[Turn, ...]) -> Callable[[], Turn]:
    """Turns about something else: consecutive paragraphs or, where there are `replies`, half of the time one of those."""
    paragraphs: list[str] = []

    def next_turn() -> Turn:
        nonlocal paragraphs
        if replies and source.rng.random() < 0.5:
            return source.rng.choice(replies)
        if not paragraphs:
            paragraphs = texts.paragraphs(source.rng, 12)[::-1] or ["I see."]
        return source.rng.choice(_ASKING_FOR_MORE), paragraphs.pop()

    return next_turn
