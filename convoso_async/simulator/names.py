"""Invented people, numbers and places of a simulated account.

Phone numbers are from the range 555-0100 to 555-0199, kept free for fiction; addresses end in example.org.
"""

from __future__ import annotations

FIRST = (
    "Ada Bram Celia Dario Edda Femi Greta Hugo Imre Jana Kofi Lena Milo Nadia Otis Petra Quinn Rosa "
    "Silas Tova Umar Vera Wim Xenia Yusuf Zora"
).split()
LAST = (
    "Abara Birk Castell Dorn Eklund Farrow Gant Holm Ibarra Juncker Kessel Lindqvist Marlow Nagy "
    "Orsini Pell Quill Ramires Soto Thorne Ueda Vasko Weld Yates Zeller"
).split()
CAMPAIGNS = ["Harbor Outreach", "Dockside Renewals", "Lighthouse Care", "Seawall Surveys", "Tidewater Sales"]
QUEUES = ["Dockside", "Pier Two", "Night Desk", "Lighthouse"]
LISTS = ["Spring intake", "Web form leads", "Partner referrals", "Trade fair leads", "Old customers"]
STREETS = ["Quay Lane", "Mill Road", "Harbor Street", "Orchard Way", "Station Road"]
CITIES = [
    ("Dover", "DE", "19901"),
    ("Fresno", "CA", "93650"),
    ("Reno", "NV", "89501"),
    ("Salem", "OR", "97301"),
    ("Oakland", "CA", "94601"),
    ("Albany", "NY", "12201"),
]
CARRIERS = [
    ("Northwind Mobile", "wireless"),
    ("Bayline Telephone", "landline"),
    ("Skerry Voice", "voip"),
    ("Westerly Cellular", "wireless"),
]
PURPOSES = ["TELEMKT", "NOTIFY", "INFORM", "CONFIRM"]
REASONS = ["DNC", "DNCT", "ConsentRevoked", ""]
SKILLS = ["billing", "french", "renewals", "spanish", "technical"]

_AREAS = [area for area in range(201, 990) if area % 100 != 11]
NUMBERS = len(_AREAS) * 100


def phone(number: int) -> str:
    """The number-th of some 78,000 fictitious phone numbers; neighbours differ in the area code."""
    spread = number * 7919 % NUMBERS
    return f"{_AREAS[spread // 100]}55501{spread % 100:02d}"


def carrier(phone_number: str) -> tuple[str, str]:
    """Name and line type of the carrier of a number."""
    return CARRIERS[sum(map(int, filter(str.isdigit, phone_number))) % len(CARRIERS)]


def person(number: int) -> tuple[str, str]:
    """First and last name of the number-th of 650 people."""
    return FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
