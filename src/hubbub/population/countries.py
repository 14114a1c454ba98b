"""Countries: their numbers of social media users, and their time zones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country by its ISO 3166 alpha-2 code.

    `users` are its social media users in millions (0: not drawn by default); `zones` are (minutes
    east of UTC in standard time, share of its people); `names` is the list its people are named
    from (hubbub.population.names).
    """

    code: str
    name: str
    users: float
    zones: tuple[tuple[int, float], ...]
    names: str


#: Social media users: DataReportal, "Digital 2024" country reports (January 2024), rounded to a
#: million. Countries under 15 million and mainland China, whose platforms are its own, are left
#: out. Zones: IANA time zone database, standard time; shares of people in countries with several
#: zones are our rough estimates from census populations of states and provinces.
COUNTRIES = (
    Country("IN", "India", 462, ((330, 1.0),), "indian"),
    Country(
        "US",
        "United States",
        239,
        ((-300, 0.48), (-360, 0.29), (-420, 0.06), (-480, 0.17)),
        "english",
    ),
    Country("BR", "Brazil", 144, ((-180, 0.93), (-240, 0.07)), "portuguese"),
    Country("ID", "Indonesia", 139, ((420, 0.81), (480, 0.16), (540, 0.03)), "indonesian"),
    Country("RU", "Russia", 106, ((180, 0.7), (300, 0.16), (420, 0.1), (600, 0.04)), "slavic"),
    Country("JP", "Japan", 96, ((540, 1.0),), "japanese"),
    Country("MX", "Mexico", 90, ((-360, 0.92), (-420, 0.05), (-480, 0.03)), "spanish"),
    Country("PH", "Philippines", 87, ((480, 1.0),), "spanish"),
    Country("VN", "Vietnam", 73, ((420, 1.0),), "vietnamese"),
    Country("PK", "Pakistan", 72, ((300, 1.0),), "arabic"),
    Country("DE", "Germany", 68, ((60, 1.0),), "german"),
    Country("TR", "Turkey", 58, ((180, 1.0),), "turkish"),
    Country("GB", "United Kingdom", 56, ((0, 1.0),), "english"),
    Country("BD", "Bangladesh", 53, ((360, 1.0),), "indian"),
    Country("FR", "France", 51, ((60, 1.0),), "french"),
    Country("TH", "Thailand", 49, ((420, 1.0),), "thai"),
    Country("KR", "South Korea", 48, ((540, 1.0),), "korean"),
    Country("EG", "Egypt", 45, ((120, 1.0),), "arabic"),
    Country("IT", "Italy", 43, ((60, 1.0),), "italian"),
    Country("ES", "Spain", 40, ((60, 1.0),), "spanish"),
    Country("CO", "Colombia", 37, ((-300, 1.0),), "spanish"),
    Country("NG", "Nigeria", 37, ((60, 1.0),), "west_african"),
    Country("SA", "Saudi Arabia", 35, ((180, 1.0),), "arabic"),
    Country("AR", "Argentina", 32, ((-180, 1.0),), "spanish"),
    Country(
        "CA",
        "Canada",
        32,
        ((-300, 0.62), (-480, 0.14), (-420, 0.12), (-240, 0.06), (-360, 0.06)),
        "english",
    ),
    Country("MY", "Malaysia", 29, ((480, 1.0),), "indonesian"),
    Country("PL", "Poland", 28, ((60, 1.0),), "slavic"),
    Country("ZA", "South Africa", 26, ((120, 1.0),), "west_african"),
    Country("AU", "Australia", 21, ((600, 0.81), (480, 0.11), (570, 0.08)), "english"),
    # Known by name in profile files, never drawn by default.
    Country("BE", "Belgium", 0, ((60, 1.0),), "french"),
    Country("BZ", "Belize", 0, ((-360, 1.0),), "spanish"),
    Country("CH", "Switzerland", 0, ((60, 1.0),), "german"),
    Country("CL", "Chile", 0, ((-240, 1.0),), "spanish"),
    Country("CN", "China", 0, ((480, 1.0),), "chinese"),
    Country("CZ", "Czechia", 0, ((60, 1.0),), "slavic"),
    Country("DK", "Denmark", 0, ((60, 1.0),), "german"),
    Country("EC", "Ecuador", 0, ((-300, 1.0),), "spanish"),
    Country("FI", "Finland", 0, ((120, 1.0),), "german"),
    Country("GR", "Greece", 0, ((120, 1.0),), "slavic"),
    Country("IE", "Ireland", 0, ((0, 1.0),), "english"),
    Country("IL", "Israel", 0, ((120, 1.0),), "arabic"),
    Country("JM", "Jamaica", 0, ((-300, 1.0),), "english"),
    Country("KE", "Kenya", 0, ((180, 1.0),), "west_african"),
    Country("KH", "Cambodia", 0, ((420, 1.0),), "thai"),
    Country("LK", "Sri Lanka", 0, ((330, 1.0),), "indian"),
    Country("LT", "Lithuania", 0, ((120, 1.0),), "slavic"),
    Country("MN", "Mongolia", 0, ((480, 1.0),), "slavic"),
    Country("NA", "Namibia", 0, ((120, 1.0),), "west_african"),
    Country("NE", "Niger", 0, ((60, 1.0),), "west_african"),
    Country("NL", "Netherlands", 0, ((60, 1.0),), "german"),
    Country("NO", "Norway", 0, ((60, 1.0),), "german"),
    Country("NP", "Nepal", 0, ((345, 1.0),), "indian"),
    Country("NZ", "New Zealand", 0, ((720, 1.0),), "english"),
    Country("PE", "Peru", 0, ((-300, 1.0),), "spanish"),
    Country("PT", "Portugal", 0, ((0, 1.0),), "portuguese"),
    Country("PY", "Paraguay", 0, ((-180, 1.0),), "spanish"),
    Country("SE", "Sweden", 0, ((60, 1.0),), "german"),
    Country("SG", "Singapore", 0, ((480, 1.0),), "indonesian"),
    Country("SK", "Slovakia", 0, ((60, 1.0),), "slavic"),
    Country("SN", "Senegal", 0, ((0, 1.0),), "west_african"),
    Country("UA", "Ukraine", 0, ((120, 1.0),), "slavic"),
    Country("ZW", "Zimbabwe", 0, ((120, 1.0),), "west_african"),
)

_OTHER_NAMES = {
    "UK": "GB",
    "GREAT BRITAIN": "GB",
    "ENGLAND": "GB",
    "USA": "US",
    "UNITED STATES OF AMERICA": "US",
    "KOREA": "KR",
    "RUSSIAN FEDERATION": "RU",
    "TÜRKIYE": "TR",
    "VIET NAM": "VN",
}

_BY_CODE = {c.code: c for c in COUNTRIES}
_BY_NAME = {c.name.upper(): c for c in COUNTRIES}


def find_country(text: str) -> Country | None:
    """Return the country of a code or an English name in any case, or None.

    >>> find_country("uk").code, find_country("Japan").zones, find_country("Atlantis")
    ('GB', ((540, 1.0),), None)
    """
    key = text.strip().upper()
    return _BY_CODE.get(_OTHER_NAMES.get(key, key)) or _BY_NAME.get(key)
