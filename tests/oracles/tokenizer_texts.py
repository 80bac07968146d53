"""The texts that the tokenizer oracle reads, about 300."""

import random

PLAIN = [
    "",
    "a",
    "Hello",
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "I'm sure you've seen what they'll do; we'd say it's John's, aren't they're?",
    "I'M SURE YOU'VE SEEN WHAT THEY'LL DO; WE'D SAY IT'S",
    "I\u2019m using curly quotes \u201chere\u201d, \u2018there\u2019",
    "'s 't 're 've 'm 'll 'd 'S 'x ''s",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "Donaudampfschifffahrtsgesellschaftskapit\u00e4nsm\u00fctze",
    "e.g. i.e. etc... Wait -- what?! (Yes.) [No] {Maybe} <perhaps>",
    "https://example.org/a/b?c=d&e=f#g-h_i~j user@example.com C:\\temp\\x.txt",
    "#hashtag @mention $100.00 50% a+b=c a*b^2 |x| ~/.bashrc `code` \"quoted\"",
    "-- --- ---- ------------------------ ======== ******** ########",
    "x" * 3,
    "lowerUPPERMixedCase snake_case kebab-case SCREAMING_CASE PascalCase",
]

SCRIPTS = [
    "Zażółć gęślą jaźń",
    "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg",
    "Le cœur déçu mais l'âme plutôt naïve, Louÿs rêva de crapaüter en canoë",
    "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, añoraba",
    "Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul ılık",
    "Đây là tiếng Việt: Hà Nội, phở, đường, những người",
    "Съешь же ещё этих мягких французских булок, да выпей чаю",
    "Жебракують філософи при ґанку церкви в Гадячі, ще й шатро їхнє п'яне знаємо",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
    "Բել դղյակի ձախ ժամն օֆ ազգությանը ցպահանջ",
    "ქართული ენა და ანბანი",
    "דג סקרן שט בים מאוכזב ולפתע מצא לו חברה",
    "שָׁלוֹם עֲלֵיכֶם",
    "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر",
    "بِسْمِ اللَّهِ الرَّحْمَٰنِ",
    "فارسی: گچ پژ چ ‌نیم‌فاصله",
    "اردو میں خوش آمدید",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश",
    "বাংলা ভাষা আমার মাতৃভাষা",
    "தமிழ் மொழி மிகவும் பழமையானது",
    "తెలుగు భాష",
    "ಕನ್ನಡ ಮಲಯಾಳಂ മലയാളം සිංහල",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน",
    "ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ",
    "བོད་སྐད་ ᠮᠣᠩᠭᠣᠯ ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ",
    "አማርኛ ትግርኛ",
    "我能吞下玻璃而不伤身体。",
    "我能吞下玻璃而不傷身體。",
    "いろはにほへと ちりぬるを わかよたれそ つねならむ",
    "イロハニホヘト チリヌルヲ ﾊﾝｶｸｶﾅ ｶﾞ",
    "日本語と English と 한국어 混ぜる、「テスト」。",
    "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.",
    "각 (NFD: \u1100\u1161\u11a8)",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝓈𝒸𝓇𝒾𝓅𝓉 𝟙𝟚𝟛 𝐁𝐨𝐥𝐝",
    "𐌰𐌱𐌲 𒀀𒀁 𓀀𓀁 𠀀𠀁𠮷野家",
    "Ａｂｃ１２３ ｆｕｌｌ ｗｉｄｔｈ！",
    "ǅ ǆ ﬁ ﬂ ﬀ ß ẞ ŉ ſ",
]

EMOJI = [
    "😀",
    "😀😃😄😁",
    "Hi 👋🏽!",
    "👩‍👩‍👧‍👦 family",
    "👨🏿‍🚀👩🏻‍💻🧑🏼‍🤝‍🧑🏾",
    "🏳️‍🌈 🏴‍☠️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "🇩🇪🇫🇷🇯🇵",
    "1️⃣2️⃣#️⃣",
    "☺ ☺️ ❤ ❤️ ✔︎ ✔️",
    "a😀b 😀c  😀",
    "🤷‍♂️ ¯\\_(ツ)_/¯ (╯°□°)╯︵ ┻━┻",
    "→ ⇒ ∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β = ¬(¬α ∨ β)",
    "∮ E·da = Q, n → ∞, ∑ f(i) = ∏ g(i)",
    "€100 £20 ¥3000 ₹5 ₿1 ¢99 © ® ™ § ¶ † ‡ • … ‰",
]

DIGITS = [
    "0",
    "7 8 9",
    "123",
    "1234567890",
    " 123",
    "  12",
    "3.14159265358979",
    "1,000,000.50",
    "2024-12-31T23:59:59.999Z",
    "0x1F 0b1010 0o17 1e10 -5 +7 1/2",
    "room101 a1b2c3 4th 2nd x86_64 IPv6 H2O",
    "١٢٣ ٤٥٦",
    "۱۲۳۴",
    "१२३ ১২৩ ௧௨௩",
    "１２３",
    "²³¹ ½ ¼ ¾ ⅓ x² m³",
    "①②③ ⑩ ⒈ ㊿",
    "Ⅳ ⅷ ↀ",
    "一二三 〇 𐄇 𝟘𝟡",
    " ٣ x٤ ½½",
    "12\n34\t56",
]

CODE = [
    "def f(x):\n    return x ** 2\n",
    "for (int i = 0; i < n; ++i) {\n\ta[i] += b[i] << 2;\n}\n",
    "class A<T extends B> implements C { private readonly x?: T[] = []; }",
    "fn main() -> Result<(), Box<dyn Error>> { println!(\"{:?}\", 1..=2); Ok(()) }",
    "SELECT * FROM t WHERE a >= 10 AND b LIKE '%x%' ORDER BY c DESC;",
    "<html><body class=\"a\">&nbsp;&lt;p&gt;</body></html>",
    "{\"key\": [1, 2.5, null, true], \"nested\": {\"a\": \"b\\n\"}}",
    "if [ -z \"$X\" ]; then echo 'no'; fi 2>&1 | grep -v '^#'",
    "\\begin{equation} \\frac{a}{b} \\int_0^\\infty e^{-x^2} dx \\end{equation}",
    "a\n\n\n    b\n\n        c\n\t\td",
    "#include <stdio.h>\n\n/* comment */ // line\n",
    "lambda x: (x if x else -x)  # noqa: E731",
    "    if x:\n        y\n    else:\n        z\n",
    "const re = /^[\\w.+-]+@\\w+\\.\\w{2,}$/gi;",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "## Title\n\n- item\n  - sub\n\n```python\nprint(1)\n```\n",
]

SPACES = [
    " ",
    "  ",
    "   ",
    " " * 7,
    " " * 64,
    " " * 65,
    " " * 200,
    "\t",
    "\t\t\t",
    "\n",
    "\n\n",
    "\n\n\n\n\n",
    "\r\n",
    "\r\n\r\n",
    "\r",
    " \n \n ",
    "a ",
    " a",
    "  a",
    "a  b",
    "a   b",
    "a \n b",
    "a\n b",
    "a \tb",
    "a\t b",
    "a\u00a0b \u00a0 c",
    "a\u0085b",
    "a\u0085 b \u0085",
    "\u0085\u0085x",
    "a\u2003b\u2009c\u200ad",
    "a\u2028b\u2029c",
    "a\u3000b\u3000\u3000c",
    "a\u1680b\u205fc\u202fd",
    "a\u200bb\u200cc\u200dd",
    "\ufeffbom at the start",
    "bom \ufeff in \ufeff\ufeff the middle\ufeff",
    " \ufeff a",
    "a\vb\fc",
    "a \v\f b",
    "trailing   ",
    "trailing\n\n",
    "   leading and trailing   ",
    "\n\n  indented\n\n\n  more  \n",
    "word \n\n\n word",
    " 1",
    "  1",
    "a  1  b",
    " .",
    "  .",
    " \t\n\r\v\f\u0085\u00a0\u2000",
]

CONTROL = [
    "\x00",
    "a\x00b",
    "\x01\x02\x03",
    "\x1b[31mred\x1b[0m",
    "bell\x07 back\x08space del\x7f",
    "\x80\x81\x9f",
    "soft\u00adhyphen",
    "\u202eRTL\u202c \u2066iso\u2069",
    "\ufffd\ufffe\uffff",
    "\ue000\uf8ff",
    "\U000e0041\U000e007f",
    "\U000f0000\U0010ffff",
]

# The vocabulary has no token for some bytes; they are dropped.
DROPPED = [
    "\x04",
    "a\x04b",
    "!\x04!",
    "x\x06\x13\x14\x16\x1dy",
    " \x1d ",
    "\U00040000",
    "a\U00080000b",
]

COMBINING = [
    "e\u0301 vs \u00e9",
    "n\u0303o\u0308a\u030a",
    "Z\u0351\u036b\u0343a\u0321\u0332l\u0334g\u0330o\u0338",
    "क्षि त्र ज्ञ श्री",
    "\u0301 alone",
    "a\u0301\u0301\u0301\u0301",
    "ｶ\u3099",
    "\u1e9b\u0323",
    "\u0e33\u0e4d\u0e32",
]

SPECIAL = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "a<|im_end|>b",
    "a <|im_end|> b",
    "a  <|im_end|>  b",
    "<|im_end|><|im_end|>",
    "<|im_start|> <|im_end|>",
    "<|im_start|>12<|im_end|>",
    "<<|im_end|>>",
    "<|im_end|",
    "|im_end|>",
    "<|im_END|>",
    "< |im_end|>",
    "<|im_<|im_end|>end|>",
    "<repo_name>x<file_sep>y<filename>z",
    "<reponame><gh_stars>5",
    "<issue_start><issue_comment>c<issue_closed>",
    "<jupyter_start><jupyter_text><jupyter_code><jupyter_output><jupyter_script><empty_output>",
    "text<|endoftext|>more text",
    "\n<|im_end|>\n",
    "日本<|im_end|>語",
    "😀<|im_start|>😀",
    "1<|endoftext|>2",
    "<|im_start|>system\nYou are <|im_end|> not.<|im_end|>",
    "<s></s><unk><pad>[INST][/INST]",
    "<0x0A><|eot_id|><|unused|>",
]


def long_words(random_state: random.Random) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        "a" * 1000,
        "=" * 777,
        "ab" * 700,
        "é" * 900,
        "漢" * 500,
        "😀" * 400,
        "1" * 300,
        "the" * 500,
        "!?" * 400,
        "\n" * 500,
        "".join(random_state.choice(letters) for _ in range(5000)),
        "".join(random_state.choice("aeinorst") for _ in range(3000)),
        "".join(chr(random_state.randrange(0x4E00, 0x9FA5)) for _ in range(1000)),
        "ACGT" * 30 + "".join(random_state.choice("ACGT") for _ in range(3000)),
    ]


# Ranges of code points from which random texts are drawn.
RANGES = [
    (0x20, 0x7F),
    (0x20, 0x7F),
    (0x61, 0x7B),
    (0x30, 0x3A),
    (0xA0, 0x180),
    (0x300, 0x340),
    (0x390, 0x460),
    (0x5D0, 0x660),
    (0x900, 0x980),
    (0x2000, 0x2070),
    (0x2190, 0x2200),
    (0x3040, 0x30FF),
    (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A4),
    (0x1F300, 0x1F650),
]


def random_texts(random_state: random.Random, count: int) -> list[str]:
    texts = []
    for _ in range(count):
        pieces = []
        for _ in range(random_state.randrange(1, 12)):
            low, high = random_state.choice(RANGES)
            pieces += [chr(random_state.randrange(low, high)) for _ in range(random_state.randrange(1, 6))]
            pieces += random_state.choice(["", "", " ", " ", "  ", "\n", "\t", "'s", "<|im_end|>"])
        texts.append("".join(pieces))
    return texts


def texts() -> list[str]:
    random_state = random.Random(7)
    groups = [PLAIN, SCRIPTS, EMOJI, DIGITS, CODE, SPACES, CONTROL, DROPPED, COMBINING, SPECIAL]
    fixed = [text for group in groups for text in group]
    return fixed + long_words(random_state) + random_texts(random_state, 80)
