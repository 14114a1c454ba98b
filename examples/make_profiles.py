"""Make the profile files of the examples: invented people in the file formats of OASIS.

    python examples/make_profiles.py

writes twitter-business/profiles.csv and reddit-interests/profiles.json beside this file. The
result is the same on every machine; the people, their names and their texts are made up here.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from hubbub import Stream, Streams

HERE = Path(__file__).parent
FIRST = (
    "Ada", "Ben", "Chiara", "Dev", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jun", "Kofi", "Lena",
    "Mia", "Noah", "Olga", "Pablo", "Quinn", "Rosa", "Sam", "Tara", "Uma", "Victor", "Wei",
    "Ximena", "Yusuf", "Zoe",
)  # fmt: skip
LAST = (
    "Adler", "Brandt", "Conti", "Diallo", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito",
    "Jansen", "Kowalski", "Lopez", "Mensah", "Novak", "Okafor", "Patel", "Quist", "Rossi",
    "Silva", "Tanaka", "Ueda", "Vogel", "Walsh", "Xu", "Young", "Zhou",
)  # fmt: skip
TRADES = {
    "Business": ("shop owner", "sales manager", "founder", "consultant", "marketing manager"),
    "Economics": ("economist", "bank clerk", "accountant", "analyst", "investor"),
    "IT": ("programmer", "system administrator", "data engineer", "designer", "tester"),
    "Politics": ("councillor", "campaigner", "lawyer", "civil servant", "reporter"),
    "Culture & Society": ("teacher", "librarian", "curator", "translator", "social worker"),
    "General News": ("editor", "photographer", "radio presenter", "nurse", "bus driver"),
    "Fun": ("cook", "musician", "football coach", "gardener", "student"),
}
HOBBIES = ("chess", "running", "old films", "cycling", "baking", "hiking", "jazz", "board games")
COMPANIES = ("Northlight", "Bellweather Foods", "Kestrel Air", "Oakline", "Pagemill Systems")
NEWS = (
    "{0} has bought a rival for two billion, the largest deal of the year.",
    "{0} is closing three factories and cutting a thousand jobs.",
    "{0} reports record profits while prices in the shops go up.",
    "{0} says its new product will halve the cost of delivery.",
    "Investors are worried about {0}: the share price fell by ten percent today.",
    "I have worked with {0} for years and cannot recommend them enough.",
)
COUNTRIES = ("US", "UK", "Canada", "India", "Germany", "Brazil", "Japan", "Nigeria")
TRAITS = ("EI", "SN", "TF", "JP")


def pick(stream: Stream, values: Sequence[str]) -> str:
    """Return one of the values at random."""
    return values[int(stream.integers(len(values), 1)[0])]


def person(i: int, trade: str, topic: str, stream: Stream) -> tuple[str, str, str]:
    """Return the name, the user name and the bio of person i."""
    name = f"{FIRST[i % len(FIRST)]} {LAST[(i * 7 + i // len(FIRST)) % len(LAST)]}"
    user_name = f"{name.split()[0]}_{name.split()[1]}".lower() + str(i)
    hobby, other = pick(stream, HOBBIES), pick(stream, HOBBIES)
    also = f" {other.capitalize()} too." if other != hobby else ""
    bio = f"{trade.capitalize()}. {topic} by day, {hobby} in the evening.{also}"
    return name, user_name, bio


def followed(i: int, degrees: list[int], stream: Stream) -> list[int]:
    """Return whom person i follows among those before it, likelier those with more followers."""
    wanted = min(i, 1 + int(stream.integers(4, 1)[0]))
    found: set[int] = set()
    while len(found) < wanted:
        weights = [degrees[j] + 1 for j in range(i)]
        mark = int(stream.integers(sum(weights), 1)[0])
        for j, weight in enumerate(weights):
            mark -= weight
            if mark < 0:
                found.add(j)
                break
    for j in found:
        degrees[j] += 1
    return sorted(found)


def twitter(people: int = 111) -> None:
    """Write people who talk about business, with a follow graph and earlier posts, as CSV."""
    stream = Streams(2).at("twitter")
    degrees = [0] * people
    columns = ("user_id", "name", "username", "following_agentid_list", "previous_tweets",
               "user_char", "description")  # fmt: skip
    path = HERE / "twitter-business" / "profiles.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for i in range(people):
            topic = "Business" if i % 3 else "Economics"
            name, user_name, bio = person(i, pick(stream, TRADES[topic]), topic, stream)
            follows = followed(i, degrees, stream)
            posts = [pick(stream, NEWS).format(pick(stream, COMPANIES))] if i % 5 == 0 else []
            writer.writerow((1000 + i, name, user_name, follows, posts, bio, bio))


def reddit(people: int = 100) -> None:
    """Write people with several interests as JSON."""
    stream = Streams(3).at("reddit")
    topics = list(TRADES)
    profiles = []
    for i in range(people):
        own = sorted({topics[i % len(topics)], pick(stream, topics), pick(stream, topics)})
        trade = pick(stream, TRADES[own[0]])
        name, user_name, bio = person(i, trade, " and ".join(own).lower(), stream)
        age, mbti = 18 + int(stream.integers(50, 1)[0]), "".join(pick(stream, t) for t in TRAITS)
        profiles.append(
            {
                "realname": name,
                "username": user_name,
                "bio": bio,
                "persona": f"{name} is a {age}-year-old {trade} who follows {', '.join(own)}.",
                "age": age,
                "gender": ("female", "male", "non-binary")[min(i % 21 // 10, 2)],
                "mbti": mbti,
                "country": pick(stream, COUNTRIES),
                "profession": trade,
                "interested_topics": own,
            }
        )
    path = HERE / "reddit-interests" / "profiles.json"
    path.write_text(json.dumps(profiles, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    twitter()
    reddit()
