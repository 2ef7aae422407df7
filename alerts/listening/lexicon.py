"""The words that people use under a town's posts: what they talk about, what they want to know, and how they write it.

Everything here is compared with text that `plain` made: small letters without accents, words apart, and the short forms of
messages written out (`kan` is `quand`). An entry of a list is the beginning of a word (`potab` is potable, potables);
with a full stop behind it, it is the whole word (`eau.` isn't eaux-de-vie).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

LONGEST = 2000
"""Characters of an utterance that are looked at: what comes after them is a stranger's patience, not a question."""

_SHORT: Mapping[str, str] = {
    "kan": "quand",
    "qd": "quand",
    "koi": "quoi",
    "ke": "que",
    "ki": "qui",
    "c": "c est",
    "ct": "c etait",
    "g": "j ai",
    "jai": "j ai",
    "ya": "il y a",
    "yaura": "il y aura",
    "qq1": "quelqu un",
    "qqun": "quelqu un",
    "qqn": "quelqu un",
    "qq": "quelque",
    "qqpart": "quelque part",
    "pb": "probleme",
    "tel": "telephone",
    "bcp": "beaucoup",
    "mci": "merci",
    "pk": "pourquoi",
    "pq": "pourquoi",
    "ds": "dans",
    "pr": "pour",
    "ns": "nous",
    "vs": "vous",
    "tt": "tout",
    "tjs": "toujours",
    "tjrs": "toujours",
    "auj": "aujourd hui",
    "rdv": "rendez vous",
    "cest": "c est",
    "doit-on": "on doit",
    "u": "you",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
    "im": "i m",
    "cant": "can t",
}

_LINK = re.compile(r"https?://\S+|www\.\S+|[@#](?=\w)|\S+@\S+")
_WORD = re.compile(r"[a-z0-9]+")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")


def plain(text: str) -> str:
    """The text's words, in small letters, without accents and signs, one space between; short forms are written out.

    `où` becomes `ou` as everything does, and `ouu` marks that it was meant as a place: French writes both words alike
    without accents, so the accent is the best hint there is.
    """
    return _plain(text[:LONGEST])


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    small = _LINK.sub(" ", text.lower().replace("œ", "oe")).replace("où", "ouu")
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", small) if not unicodedata.combining(sign))
    words = _WORD.findall(_DRAWN_OUT.sub(r"\1\1", bare))
    return " ".join(_SHORT.get(word, word) for word in words)


def any_of(entries: str) -> re.Pattern[str]:
    """Finds any entry of a list, at the beginning of a word; `_` in an entry stands for a space between words."""
    parts = (
        re.escape(entry.rstrip(".")).replace("_", " ") + (r"\b" if entry.endswith(".") else "")
        for entry in entries.split()
    )
    return re.compile(r"\b(?:" + "|".join(parts) + ")")


TOPICS: Mapping[str, re.Pattern[str]] = {
    name: any_of(entries)
    for name, entries in {
        "drinking": "potab buvab boire. bois. boit. buv bu. consomm robinet drink tap_water",
        "boiling": "bouill boil",
        "bottles": "bouteille bottle pack distrib",
        "water": "eau. eaux. water",
        "power": "courant. electri edf. enedis. lumiere. power coupure panne jus.",
        "charging": "recharg charger. charge. batterie prise. charging",
        "phone": "telephon portable phone mobile. reseau internet. wifi. fibre. network",
        "road": "route rue_barree pont. tunnel rocade deviation circul repass passage autoroute nationale. d_[0-9] road bridge",
        "school": "ecole college. lycee cours. classe. cantine scolaire. school",
        "nursery": "creche garderie nurser daycare",
        "bus": "bus. car. cars. transport train tram navette trains.",
        "waste": "poubelle ordure dechet dechett bac. bacs. collecte encombrant garbage rubbish bins.",
        "evacuation": "evacu quitter. partir. leave. evacuation",
        "shelter": "heberg gymnase accueil refuge abri. shelter",
        "animals": "chien chat. chats. animal animaux. pet. pets. dog cat. cats.",
        "insurance": "assur catnat cat_nat. indemni sinistre_decl insur",
        "sandbags": "sac. sacs. sable sandbag",
        "smoke": "fumee nuage air. respir odeur smoke cloud breath",
        "danger": "danger risque risk toxi nociv nocif sante. pollu sain. saine. health harmful",
        "windows": "fenetre volet aerer. aere. window",
        "market": "le_marche. marche_de. marche_du. y_a_marche. marche_annul marche_maint market",
        "tree": "arbre branche tree",
        "park": "parc. parcs. jardin park. parks.",
        "rehousing": "relog logement_d rehous",
        "district": "quartier zone. zones. secteur rues. concern touche touches. touchee touchees. commune district streets. area.",
        "heating": "chauff rechauff chaud. froid. heating warm",
        "health": "medecin hopital pharmac docteur doctor hospital vaccin",
        "victims": "mort. morts. blesse victime disparu. casualt",
        "fire": "incendie feu. flamme fire",
        "river": "riviere crue niveau fleuve digue barrage river flood dam.",
        "help": "aider. benevol don. dons. donner. volunteer donate",
        "parking": "parking garer. gare_ma stationn",
        "event": "concert. match. fete piscine stade spectacle biblioth mediath",
    }.items()
}
"""What is asked about: the words of one line count as the same."""

WANTED: Mapping[str, re.Pattern[str]] = {
    name: any_of(entries)
    for name, entries in {
        "when": "quand quelle_heure combien_de_temps combien_de_jours combien_d_heures jusqu date. duree dure. dur. "
        "durer. quel_jour delai when how_long what_time until. pour_quand pendant_combien",
        "where": "ouu. ou_est ou_sont ou_trouv ou_peut ou_on ou_aller ou_ca ou_rech c_est_ou endroit lieu_pour adresse "
        "quelque_part where somewhere",
        "how": "comment demarche procedure how_to how_do how_can",
        "who": "a_qui. qui_appel qui_contact qui_peut qui_donne quel_numero numero. contacter who. number",
        "why": "pourquoi cause. why",
    }.items()
}
"""What the asker wants to know. Without any of these it is mostly "is it so?"."""

OPEN = any_of(
    "ouvert ouvr rouvr reouv rouver ferme ferm maintenu annul reporte open closed cancel a_lieu lieu. coupe coupee retabli revient revien"
)

EMPTY = frozenset(
    "le la les l un une des de du d au aux a et ou ouu ni mais donc or car que qu qui quoi ce cet cette ces c s se sa son "
    "ses mon ma mes ton ta tes notre nos votre vos leur leurs je j tu il elle on nous vous ils elles me m te t lui y en ne n "
    "pas plus est et es sont suis etes etre sera seront serait ai as avez ont avoir aura va vas vont fait faire faut peut "
    "pouvez peux pourra doit doivent si oui non tres trop aussi bien bon bonne pour par avec sans sur sous dans chez vers "
    "bonjour bonsoir bjr bsr salut svp stp merci please s_il plait hello hi quel quelle quels quelles quand comment combien "
    "ca cela encore toujours deja temps quelqu quelque savez sait savoir dire the a an of to in on at is are was be do does "
    "did can i you we they it my our your and or not no yes for with this that there any will what when where how who".split()
)
"""Words that say nothing about what a sentence is about."""


def stems(text: str) -> Iterator[str]:
    """The beginnings of the words that say something: `fermée`, `fermés` and `fermeture` share theirs.

    The first five letters, after a plural's ending, do for French and English what a stemmer does, without a package.
    """
    for word in plain(text).split():
        if word not in EMPTY and len(word) > 1:
            yield (word[:-1] if word[-1] in "sx" and len(word) > 3 else word)[:5]
