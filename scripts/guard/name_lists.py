#!/usr/bin/env python3
"""Writes the lists of common names that the guard of personal data knows: crates/guard/src/personal/lists.

    pip install faker==40.54.0 names==0.3.0
    scripts/guard/name_lists.py

From the United States' census of 1990 (public domain, as the package `names`, MIT, carries it) the most common names, from Faker (MIT)
those of other countries. Names of several words are left out, and words that are more often no name.
"""

import importlib
import pathlib

import names

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "crates/guard/src/personal/lists"
COUNTRIES = """cs_CZ da_DK de_AT de_CH de_DE en_GB en_IE en_IN en_KE en_NG en_NZ es_AR es_CL es_CO es_ES es_MX et_EE fi_FI fr_BE fr_CA fr_CH fr_FR
    hr_HR hu_HU id_ID it_IT nl_BE nl_NL no_NO pl_PL pt_BR pt_PT ro_RO sk_SK sl_SI sv_SE yo_NG""".split()
SURNAMES_MAX = 8_000
# Words that begin sentences and titles, or name days, months, places and things.
NO_NAMES = set(
    """an so see do my many le la de los las are can was has had her his she it in on at or if as be by we he me no yes may june april august
    summer autumn winter spring monday sunday friday christmas easter april july january china india paris london america georgia virginia
    carolina dakota florida houston dallas boston phoenix sydney vienna florence israel jordan kenya chad asia africa europe madison chelsea
    love hope faith joy art king queen prince duke earl baron major dean judge page star sky river ocean rain storm snow sun moon rose ruby
    pearl amber crystal gold silver diamond python java scala dart swift julia app data cloud java love long little young white black brown
    green gray grey blue red best great good new old early late short small big rich free fast early day week month year time way""".split()
)


def taken(words, common):
    fits = {word.lower() for word in words if word.isalpha() and 3 <= len(word) <= 20}
    return {word for word in fits if word not in NO_NAMES or word in common}


def census(file, most=None):
    lines = pathlib.Path(names.__file__).with_name(file).read_text().splitlines()
    return [line.split()[0] for line in lines[:most]]


def elsewhere(prefixes):
    found = set()
    for country in COUNTRIES:
        provider = importlib.import_module(f"faker.providers.person.{country}").Provider
        for field in dir(provider):
            values = getattr(provider, field)
            if field.startswith(prefixes) and "romanized" not in field and isinstance(values, (tuple, list, dict)):
                for value in values:
                    found.update(value.replace("-", " ").split())
    return found


def write(file, what, found):
    head = [
        f"# {what}, in small letters. Made by scripts/guard/name_lists.py from the United States' census of 1990 (public domain)",
        "# and the names of other countries in Faker 40.54.0 (MIT, Copyright (c) 2012 Daniele Faraglia).",
    ]
    (FOLDER / file).write_text("\n".join(head + sorted(found)) + "\n")


def main():
    given = taken(census("dist.male.first") + census("dist.female.first") + list(elsewhere(("first_name",))), set())
    surnames = taken(
        census("dist.all.last", SURNAMES_MAX) + list(elsewhere(("last_name",))), {"king", "young", "white", "black", "brown", "green", "gray", "rose", "long", "love", "page"}
    )
    write("given.txt", "Common given names", given)
    write("surnames.txt", "Common surnames", surnames)


if __name__ == "__main__":
    main()
