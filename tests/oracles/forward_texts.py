"""What the forward oracle reads: ten texts of many kinds, and ten chats.

Each text has more than 256 tokens; the oracle takes the first 256. In DIALOGUE the markers are
the real special tokens. All of it was written for this file, but for VERSE, which is William
Blake's and Percy Shelley's.
"""

PROSE = """\
The ferry left the harbour a little after six, when the fog had not yet decided whether to stay. \
Marta stood at the rail with her coat buttoned to the chin and counted the lamps along the quay until \
she could no longer tell them from the stars. She had made the crossing every winter since she was \
nine, first with her father, who sold clocks, and later alone, with a suitcase of clocks that nobody \
had wanted. The island on the other side had no need of time. Its people rose when the gulls did, \
ate when the bread was ready, and went to bed when the last story had been told. Still, every \
January, the old schoolmaster bought exactly one clock from her, wound it once in her presence, and \
never again. "It is not for the hours," he had explained when she finally asked. "It is for the \
sound of something that keeps its promise." This year the schoolmaster was not waiting on the pier. \
A girl stood there instead, perhaps nine years old, holding the lantern that had always been his, \
and in her other hand, carefully wrapped in a blue scarf, all the clocks that he had ever bought. \
"He said you would know what to do with them," the girl said, and she held out the scarf as if it \
were something alive.
"""

DIALOGUE = """\
<|im_start|>system
You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
<|im_start|>user
Hi! I want to bake bread for the first time. What do I need?<|im_end|>
<|im_start|>assistant
Welcome to baking! For a simple loaf you need four things: flour, water, salt, and yeast. \
Use 500 grams of bread flour, 350 grams of warm water, 10 grams of salt, and 7 grams of dry yeast. \
Mix everything in a large bowl, let it rest, and knead it for about ten minutes.<|im_end|>
<|im_start|>user
How long should the dough rise?<|im_end|>
<|im_start|>assistant
Let it rise for about one to two hours, until it has doubled in size. A warm place helps the yeast \
to work faster. Then shape the loaf, let it rest for another 45 minutes, and bake it at 230 degrees \
Celsius for 30 to 35 minutes.<|im_end|>
<|im_start|>user
Thanks. And how do I know that it is done?<|im_end|>
<|im_start|>assistant
Knock on the bottom of the loaf: if it sounds hollow, it is done. The crust should be golden brown. \
If you have a thermometer, the inside should be at about 95 degrees Celsius.<|im_end|>
<|im_start|>user
Great, thank you!<|im_end|>
<|im_start|>assistant
You're welcome! Enjoy your bread.<|im_end|>
"""

PYTHON = '''\
import heapq
from collections import defaultdict


def shortest_paths(edges, start):
    """Return the distance from `start` to every node that it can reach.

    `edges` is a list of (from, to, weight) triples; weights are not negative.
    """
    graph = defaultdict(list)
    for a, b, weight in edges:
        graph[a].append((b, weight))
        graph[b].append((a, weight))

    distance = {start: 0}
    queue = [(0, start)]
    while queue:
        d, node = heapq.heappop(queue)
        if d > distance[node]:
            continue
        for neighbour, weight in graph[node]:
            candidate = d + weight
            if candidate < distance.get(neighbour, float("inf")):
                distance[neighbour] = candidate
                heapq.heappush(queue, (candidate, neighbour))
    return distance


if __name__ == "__main__":
    roads = [("A", "B", 7), ("A", "C", 9), ("A", "F", 14), ("B", "C", 10), ("B", "D", 15)]
    for node, d in sorted(shortest_paths(roads, "A").items()):
        print(f"{node}: {d}")
'''

WEB = """\
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Tide table</title>
  <style>
    body { font-family: sans-serif; margin: 2rem auto; max-width: 40rem; }
    td + td { text-align: right; }
  </style>
</head>
<body>
  <h1>Tide table</h1>
  <table id="tides"></table>
  <script type="module">
    const response = await fetch("/api/tides?days=3");
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const tides = await response.json();
    const table = document.querySelector("#tides");
    for (const { time, height } of tides) {
      const row = table.insertRow();
      row.insertCell().textContent = new Date(time).toLocaleString();
      row.insertCell().textContent = `${height.toFixed(2)} m`;
    }
  </script>
</body>
</html>
"""

LIST = """\
# Packing list for a week in the mountains

## Clothes
- 1 rain jacket
- 2 warm sweaters
- 4 pairs of wool socks
- 1 hat and 1 pair of gloves

## Equipment
1. Backpack (40 litres)
2. Sleeping bag, rated to -5 °C
3. Headlamp with spare batteries
4. Map, compass and whistle
5. First aid kit:
   * plasters and bandages
   * painkillers
   * blister pads

## Food (per person and day)
| meal      | item                    | grams |
|-----------|-------------------------|-------|
| breakfast | oats, nuts, dried fruit | 150   |
| lunch     | bread, cheese, sausage  | 200   |
| dinner    | pasta or rice, sauce    | 250   |
| snacks    | chocolate, apples       | 100   |

**Total:** 700 g a day, 4.9 kg for the week.

> Remember: pack the heavy things close to your back, and keep the rain jacket on top!

- [x] Book the hut
- [x] Check the train times
- [ ] Tell a friend where you are going
- [ ] Download the weather report
"""

NUMBERS = """\
7 x 8 = 56, 7 x 9 = 63, 7 x 10 = 70, 7 x 11 = 77, 7 x 12 = 84.
1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987
2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192
1999-12-31 23:59:59, 2000-01-01 00:00:00, 2024-02-29 12:30:15
3.14159265, 2.71828182, 1.41421356, 1.61803398
10% of 250 is 25; 15% of 250 is 37.50; 20% of 250 is 50.
$1,299.00 + $49.99 = $1,348.99
+44 20 7946 0958, ISBN 978-3-16-148410-0, 192.168.0.1:8080
x = (-5 + sqrt(25 + 96)) / 6 = (-5 + 11) / 6 = 1
"""

FRENCH = """\
Au bout de la rue, derrière l'église, il y avait autrefois une petite librairie que tout le monde \
appelait « chez Émile », bien qu'Émile fût mort depuis longtemps. Sa fille y vendait des romans \
d'occasion, des cartes postales et, quand l'hiver était trop long, des confitures d'abricot. Les \
enfants venaient après l'école pour lire sans payer, assis par terre entre les rayons, et elle \
faisait semblant de ne pas les voir. « Un livre qu'on lit en cachette, disait-elle, on ne l'oublie \
jamais. » Un soir de décembre, un monsieur très élégant entra, posa son chapeau sur le comptoir et \
demanda le livre le plus ancien de la maison. Elle réfléchit un instant, puis alla chercher le \
cahier où son père notait le nom de chaque lecteur.
"""

JSON = """\
{
  "id": "ord_20871",
  "created": "2023-11-05T09:41:27Z",
  "customer": {"name": "Ada Nowak", "email": "ada@example.org", "vip": false},
  "items": [
    {"sku": "TEA-004", "title": "Green tea", "quantity": 2, "price": 4.5},
    {"sku": "CUP-117", "title": "Ceramic cup", "quantity": 1, "price": 12.0},
    {"sku": "HNY-020", "title": "Acacia honey", "quantity": 3, "price": 6.25}
  ],
  "shipping": {"method": "standard", "address": {"street": "12 Mill Lane", "city": "York", "zip": "YO1 7HH"}},
  "total": 39.75,
  "currency": "GBP",
  "paid": true,
  "tags": ["repeat", "gift"],
  "notes": null
}
"""

VERSE = """\
Tyger Tyger, burning bright,
In the forests of the night;
What immortal hand or eye,
Could frame thy fearful symmetry?

In what distant deeps or skies,
Burnt the fire of thine eyes?
On what wings dare he aspire?
What the hand, dare seize the fire?

And what shoulder, and what art,
Could twist the sinews of thy heart?
And when thy heart began to beat,
What dread hand? and what dread feet?

I met a traveller from an antique land,
Who said: Two vast and trunkless legs of stone
Stand in the desert. Near them, on the sand,
Half sunk, a shattered visage lies, whose frown,
And wrinkled lip, and sneer of cold command,
Tell that its sculptor well those passions read
Which yet survive, stamped on these lifeless things,
The hand that mocked them and the heart that fed:
And on the pedestal these words appear:
"My name is Ozymandias, king of kings:
Look on my works, ye Mighty, and despair!"
Nothing beside remains. Round the decay
Of that colossal wreck, boundless and bare
The lone and level sands stretch far away.
"""

TEXTBOOK = """\
Photosynthesis is the process by which green plants, algae and some bacteria turn light into \
chemical energy. It takes place in the chloroplasts, small organelles that contain a green pigment \
called chlorophyll. The overall reaction can be written as follows:

6 CO2 + 6 H2O + light -> C6H12O6 + 6 O2

In words, six molecules of carbon dioxide and six molecules of water become one molecule of glucose \
and six molecules of oxygen. The process has two stages. In the light-dependent reactions, \
chlorophyll absorbs light, water is split, and oxygen is released; the energy is stored in the \
carriers ATP and NADPH. In the Calvin cycle, which does not need light directly, this energy is used \
to build sugar from carbon dioxide. Three factors limit the rate of photosynthesis: the intensity of \
the light, the concentration of carbon dioxide, and the temperature. If one of them is low, raising \
the others has little effect.

Exercise 1. Explain why a plant that is kept in the dark for several days loses weight.
Exercise 2. A student measures the oxygen that a water plant gives off at different distances from \
a lamp. Sketch the curve that you expect, and explain its shape.
Exercise 3. Name two factors that limit the rate in a greenhouse.
"""

TEXTS = {
    "prose": PROSE,
    "dialogue": DIALOGUE,
    "python": PYTHON,
    "web": WEB,
    "list": LIST,
    "numbers": NUMBERS,
    "french": FRENCH,
    "json": JSON,
    "verse": VERSE,
    "textbook": TEXTBOOK,
}

CHATS = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [{"role": "user", "content": "Explain in three sentences why the sky is blue."}],
    [{"role": "user", "content": "Write a short poem about a lighthouse."}],
    [{"role": "user", "content": "Write a Python function that reverses a string."}],
    [{"role": "user", "content": "List five fruits that are red."}],
    [{"role": "user", "content": "What is 12 + 30?"}],
    [
        {"role": "system", "content": "You are a pirate. Answer like one."},
        {"role": "user", "content": "How do I get to the harbour?"},
    ],
    [{"role": "user", "content": "Translate to French: Good morning, my friends."}],
    [
        {"role": "user", "content": "My name is Ines and I keep bees."},
        {"role": "assistant", "content": "Nice to meet you, Ines! How many hives do you have?"},
        {"role": "user", "content": "Twelve. What should I do with them in winter?"},
    ],
    [{"role": "user", "content": "Tell me a story about a fox and a clockmaker."}],
]
