"""Draws texts of our own for training the injection model: attacks, and harmless texts with the same words.

Frames are in `attacks.py`, `harmless.py` and, for other languages, `tongues.py`: `{a|b|c}` is a choice, `{name}` one of the
classes there. Nothing is taken from a corpus; `near.py` looks for what is like a row of one all the same, and `train.py` leaves
that out. `texts(seed, count)` draws (text, label) pairs, the same ones for the same seed.
"""

import random
import re

import attacks
import harmless
import tongues

# Of the texts so many are in other languages than English.
FOREIGN = 0.4
# Frames are filled from the innermost choice outwards, in at most so many steps.
STEPS_MAX = 400
INNERMOST = re.compile(r"\{([^{}]*)\}")


def fill(rng, frame, classes):
    """The frame with one drawn for each choice; braces that are no choice stay. `\\n` is a line's end, `\\p` an upright stroke."""
    text, at = frame, 0
    for _ in range(STEPS_MAX):
        match = INNERMOST.search(text, at)
        if not match:
            break
        inner = match.group(1)
        if inner not in classes and "|" not in inner:
            at = match.end()
            continue
        drawn = rng.choice(split(classes[inner])) if inner in classes else rng.choice(inner.split("|"))
        text, at = text[: match.start()] + drawn + text[match.end() :], 0
    return re.sub(r" +([.,?!])", r"\1", re.sub(r" {2,}", " ", text.replace("\\n", "\n").replace("\\p", "|"))).strip()


def split(choice):
    """The alternatives of a class; what stands in braces belongs together."""
    parts, depth = [""], 0
    for letter in choice:
        depth += (letter == "{") - (letter == "}")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def cased(rng, text):
    kind = rng.random()
    if kind < 0.15:
        return text.lower()
    if kind < 0.19:
        return text.upper()
    if kind < 0.25:
        return re.sub(r"[.!?,]", "", text)
    if kind < 0.7:
        return re.sub(r"(^|[.!?] )(\w)", lambda match: match.group(1) + match.group(2).upper(), text)
    return text[:1].upper() + text[1:]


def sources(label):
    """Frames with their classes, English ones first."""
    english, lists = (attacks.ATTACKS, attacks.CLASSES) if label else (harmless.HARMLESS, harmless.CLASSES)
    english = [(line, lists) for line in english.strip().split("\n") if line]
    frames = tongues.ATTACK_FRAMES if label else tongues.HARMLESS_FRAMES
    shared = {"code": attacks.CLASSES["code"], "dest": attacks.CLASSES["dest"]}
    foreign = [(frame, {**shared, **words}) for words in tongues.TONGUES.values() for frame in frames]
    return english, foreign


def drawn(seed, count):
    """So many attacks and as many harmless texts, each with its label and the frame it is from."""
    rng = random.Random(seed)
    rows = []
    for label in (1, 0):
        english, foreign = sources(label)
        seen = set()
        for number in range(count * 4):
            among = foreign if rng.random() < FOREIGN else english
            frame, classes = among[number % len(among)]
            text = cased(rng, fill(rng, frame, classes))
            if text not in seen and len(seen) < count:
                seen.add(text)
                rows.append((text, label, frame if among is english else f"{classes['be'][:12]}: {frame}"))
    return rows


def texts(seed, count):
    return [(text, label) for text, label, _ in drawn(seed, count)]


if __name__ == "__main__":
    for text, label in texts(1, 60):
        print(label, text)
