r"""Which hazard a text names, in French, English and German, and which words deny it.

`named` goes down `_NAMES` and takes the first hazard that is named there and meant. A name isn't meant where a word
right before it denies it ("pas de fuite de gaz", "after the storm"), where its own clause does so after it ("evacuation
not needed"), where `_NOT_MEANT` knows a text as another thing ("confinement des volailles"), and nowhere in a drill, a
question or a talk (`_NO_EVENT`). `is_taken_back` is whether something is over; `says_it_is_over` is stricter, for
people are told so.

Texts come folded (`alerts.model.hazard.fold`): small, without accents, with straight apostrophes. To mend a headline
that was misread, put it into `tests/unit/model/headlines.txt` below what it should become, then write a
line here. A line is a regular expression between word boundaries; `<of>` and its like are explained in `_SHORT`. Each
gap has a bound (`.{0,30}`), so that no text costs more than its length.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SHORT = {
    "<of>": r"(?:de la |de l'|des |du |de |d')",
    "<closed>": r"(?:ferme\w*|coupe\w*|barre\w*|impraticables?|inaccessibles?|interdite?s?)",
    "<way>": r"(?:routes?|rues?|avenue|boulevard|ponts?|tunnel|col|quai|autoroute|voies?|chemin|rocade|viaduc)",
    "<school>": r"(?:ecoles?|colleges?|lycees?|creches?|etablissements? scolaires?)",
    "<person>": (
        r"(?:enfants?|hommes?|femmes?|personnes?|adolescente?s?|fillette|filles?|garcons?|jeunes?|mineure?s?"
        r"|randonneu\w+)"
    ),
    "<poison>": (
        r"(?:chlore|ammoniac|acide \w+|gaz toxiques?|matieres? (?:dangereuses?|toxiques?|radioactives?)"
        r"|produits? (?:chimiques?|toxiques?|dangereux|inflammables?))"
    ),
    "<day>": (
        r"(?<!until )(?<!jusqu'a )(?<!since )(?<!depuis )(?<!bis )(?<!seit )"
        r"(?:demain|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|tomorrow|next week|semaine prochaine|morgen"
        r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch"
        r"|le \d{1,2} (?:janv|fev|mars|avr|mai|juin|juil|aout|sept|oct|nov|dec)\w*)"
    ),
    "<hour>": r"(?:(?:a partir de|des|a|vers) \d{1,2} ?h\w*|(?:from|at) \d{1,2}(?::\d\d)? ?[ap]m|ab \d)",
    "<now>": (
        r"(?:immediat\w*|maintenant|now|aujourd'hui|today|en cours|sofort\w*|jetzt|under ?way|ordered|issued|in effect)"
    ),
    # Where people live and what they leave, and what is carried off.
    "<of_a>": r"(?:de la |de l'|des |du |de |d'|of (?:the )?|aux? |a |dans (?:la |le |les )|in (?:the )?)",
    "<place>": (
        r"(?:quartiers?|camping|ville|village|centre|zone|secteurs?|rues?|avenue|boulevard|place|hameaux?|ile|vallee"
        r"|littoral|communes?|bourg|residence|riverains|habitants|residents|population|campeurs|maisons|logements"
        r"|habitations|town|city|streets?|road|districts?|area|center|campsite|campground|neighbou?rhood|valley"
        r"|island|coast|homes|houses|altstadt|innenstadt|stadtteil\w*|ortsteil\w*|viertels?|\w*strasse|anwohner|gemeinde)"
    ),
    "<load>": (
        r"(?:\w+ )?(?:eaux?|dechets?|fumees?|encombrants|ordures|gravats|boues?|air|neige|graisses?|lisiers?|terres"
        r"|vehicules|epaves?|smoke|waste|water|blesses?|victimes?|patients?|malades?|corps|casualties|injured|animaux"
        r"|betail|troupeaux?|livestock|animals|passagers?|passengers|touristes?|tourists|ressortissants|francais"
        r"|nationals|skieurs|manifestants|migrants|squats?|campements?|bidonvilles?|zad|bouchons|lieux|site|terrain|staff|embassy)"
    ),
    "<folk>": r"(?:population|ville|commune|zone|secteur|centre|bourg|quartiers?|habitants?|riverains|residents)",
    # What people are told, and what they are told of, as far as either can be said to be over.
    "<alarm>": (
        r"(?:evacuations?|evakuierung|alertes?|avis|consignes?|vigilances?|interdictions?|avertissements?|confinement"
        r"|mise a l'abri|orders?|warnings?|watch|alerts?|advisor(?:y|ies)|notices?|signal|shelter[- ]in[- ]place"
        r"|\w*warnung|\w*gebot|\w*verbot)"
    ),
    "<threat>": (
        r"(?:dangers?|risques?|crues?|inondations?|episode|evenement|incident|incendie|tempete|canicule|orages?"
        r"|pollution|coupures?|pannes?|threat|emergency|outage|gefahr)"
    ),
    "<is>": r"(?:est|sont|a ete|ont ete|is|are|was|were|has been|have been|ist|wurde) (?:now |desormais )?",
}


def _table(text: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Read a table: a word with a colon begins a hazard, each line from there on is one way to say it."""
    said: list[tuple[str, list[str]]] = []
    for each in text.strip().splitlines():
        line = each.strip()
        if begun := re.match(r"([a-z-]+): ?", line):
            said.append((begun[1], []))
            line = line[begun.end() :]
        if line and not line.startswith("# "):
            said[-1][1].append(_written_out(line))
    return tuple((name, re.compile(rf"(?<!\w)(?:{'|'.join(lines)})(?!\w)")) for name, lines in said)


def _any_of(text: str) -> re.Pattern[str]:
    """Read ways to say one thing, one a line."""
    return _table(f"any:\n{text}")[0][1]


def _written_out(line: str) -> str:
    for short, meaning in _SHORT.items():
        line = line.replace(short, meaning)
    return line


# The order matters: what stands first wins. The narrower stands before the wider, what kills before the rest.
_NAMES = _table(r"""
    tsunami: tsunamis?|raz[- ]de[- ]maree
    evacuation:
        # Few who name one order it: the noun counts where it stands alone, is called an order or immediate, or is
        # followed by a place; the bare verb is as often a report ("les pompiers font évacuer un immeuble").
        ^evacuations?\W*$|ordres? d'evacuation|evacuation orders?|evacuations? (?:is |are |have been )?ordered
        evacuations? (?:immediat\w*|obligatoire|preventive|generale|totale|massive|ordonnee|demandee|en cours|maintenue)
        (?:alerte|urgent|level 3) evacuation|evacuations? (?:en raison|suite a|vers|level 3)
        ^evacuation (?:les?|la) [\w'-]+$|(?:ordonne|demande|decide|declenche)(?:nt)? (?:l'|une )evacuation
        (?:immediate|mandatory|emergency|general|full) evacuations?|evacuation\W{1,3}(?:leave|partez|immediate)
        evacuations? <of_a>(?:[\w'-]+ ){0,2}<place>|evacuation\W{1,3}<place>
        (?:(?<=[:,;.!–] )|(?<=^))evacuations? <of_a>[\w'-]+(?: [\w'-]+){0,2}(?=$|[,:;.!–])
        ^evakuierung\W*$|evakuierungs(?:anordnung|massnahmen?)|(?:sofortige|angeordnete) evakuierung
        evakuierung (?:angeordnet|lauft|noch)|evakuierung\b.{0,30}\bsofort
        evakuierung (?:der|des|von|im|in der|in)? ?<place>|evacuez
        (?:ordre|obligation|consigne) d'evacuer|(?:il faut|devez|doivent|sommee?s d'|appelee?s a) ?evacuer
        evacuer (?:immediatement|maintenant|d'urgence|sans (?:delai|attendre))
        (?:please|must|should|now|and|told to|ordered to|asked to|urged to|need to|have to) evacuate
        ^evacuate|(?<=[:.!;,] )evacuate|evakuieren sie|mussen evakuieren
    dam:
        rupture (?:imminente |totale |partielle )?<of>(?:une? )?(?:\w+ )?barrage
        barrage\b.{0,30}\b(?:(?:a|vient de) cede\w*|cede|est en train de ceder|rompu|effondre\w*)
        onde de submersion
        dam (?:failure|break|burst|breach|collapse|has (?:failed|burst|collapsed)|is (?:failing|bursting))s?
        (?:failure|collapse|breach) of (?:the|a) (?:\w+ )?dam
        (?:stau)?dammbruch|bruch des stau\w+|talsperre\w*\b.{0,20}\b(?:gebrochen|bricht)
    attack:
        attentats?|attaques? (?:terroristes?|en cours|armees?|au couteau|a l'arme \w+|au vehicule|a la voiture)
        tireurs?|fusillades?|prises? d'otages?|homme arme|individu arme|^attaque$
        (?:active |mass )?shooters?|mass shooting|shooting (?:in|at|near|on|reported|under way|incident)
        gunm[ae]n|hostages?|terror(?:ist)? attacks?|(?:knife|armed|vehicle) attacks?|^attack$
        amok\w*|(?:terror|brand)?anschlag\w*|geiselnahme\w*
    water-quality:
        (?:non|pas|plus|im)[ -]?potable|pas d'eau potable|eau .{0,20}(?:impropre|contaminee|polluee)
        (?:pollution|contamination|bacteries|e\. ?coli)\b.{0,20}\b(?:l'eau(?: du robinet)?|reseau d'eau|captage)
        (?:pollution|contamination) d'eau
        eau du robinet\b.{0,20}\bne (?:pas|plus) (?:la |en )?(?:boire|consommer)|do not use (?:the )?(?:tap )?water
        (?:buvez|boire|bois|consommez|consommer) (?:pas |plus )?(?:de )?l'eau|bouillir .{0,10}eau
        boil(?:ing)?(?: your| tap| the| all)? (?:tap )?water|(?:not|don't|unsafe to|unfit to) drink|undrinkable
        (?:unsafe|contaminated|polluted) (?:tap |drinking )?water
        water (?:is |supply is |supply )?(?:unsafe|not safe|contaminat\w+|pollut\w+)
        (?:e\. ?coli|bacteria|contamination|lead)\b.{0,20}\b(?:tap|drinking|mains) water
        (?:trink|leitungs)?wasser\b.{0,30}\b(?:verunreinig\w*|belastet|abkochen|keime?n?)|trinkwasserverunreinigung
        abkochgebot|verunreinig\w* .{0,20}trinkwassers?|kein trinkwasser
    industrial:
        accident (?:industriel|chimique|nucleaire|radiologique)|alerte (?:chimique|nucleaire|toxique)
        (?:incendie|explosion|accident|fuite|alerte)s? .{0,40}\bseveso
        nuages? (?:\w+ )?(?:toxiques?|dangereux|chimiques?|radioactifs?)|risque (?:chimique|toxique)
        (?:fuites?|emanations?|rejets?|nuages?|deversements?|wagons?|citernes?) <of>?<poison>
        (?:ruptures? |breches? )?<of>?(?:une? )?(?:canalisations?|conduites?) <of><poison>
        matieres? dangereuses?|(?:incendie|explosion|accident) .{0,40}\b<poison>
        (?:incendie|explosion)s? .{0,25}\b(?:usines?|sites? industriels?|depot (?:petrolier|de carburant))
        chemical (?:spill|leak|release|fire|plant|alarm|incident|emergency|accident|cloud)|hazmat
        hazardous (?:materials?|cloud|chemicals?)|toxic (?:cloud|gas|fumes|release)
        (?:nuclear|radiological) (?:\w+ ){0,2}(?:accident|incident|emergency|alert|alarm|warning|leak|release|hazard)
        (?:chlorine|ammonia) (?:\w+ )?(?:leak|release|cloud|spill|gas|pipe(?:line)?|tank|wagon)s?
        (?:leak|release|cloud|spill|rupture) of (?:chlorine|ammonia|\w+ acid)
        gefahrstoff\w*|gefahrgut\w*|chemie(?:unfall|alarm)|gift(?:gas\w*|wolke)|chlorgas\w*|storfall|ammoniak\w*
    gas:
        (?:fuites?|odeurs?) .{0,15}\bgaz|(?:conduites?|canalisations?) .{0,15}\bgaz .{0,12}(?:rompue?|percee?)
        rupture .{0,25}\bgaz|(?:gaz|gas) .{0,12}\b(?:s'echappe|escaping)
        gas (?:leak|escape|smell)s?|smell of gas|leaking gas|gas(?:austritt|leck|geruch)\w*
    power:
        (?:coupures?|pannes?|interruptions?)\b.{0,30}\b(?:electri\w+|courant)|delestages?|black.?out
        p(?:lu|a)s (?:de courant|d'electricite)
        (?:sans|prives? d'|privees? d') ?(?:electricite|courant)|no (?:power|electricity)
        (?:power|electricity) (?:cuts?|outages?|failures?)|stromausfall\w*|stromabschaltung\w*|kein strom
    quake:
        seismes?|tremblements? de terre|secousses? (?:sismiques?|telluriques?|ressenties?)|earthquakes?
        erdbeben\w*|eq \d\.\d
    missing:
        ^disparition$|disparition (?:inquietante|d'une? .{0,20}\b<person>|de \w+, \d+ ans)|alerte enlevement
        <person>\b.{0,20}\bdisparue?s?|disparue?s? depuis|appel a temoins
        missing (?:person|child|boy|girl|man|woman|teenager|hiker)|amber alert|vermisst\w*
    water-cut-planned: coupures? d'eau (?:prevues?|programmees?)|planned water (?:cut|outage)
    water-cut:
        (?:coupures?|pannes?|interruption)(?: \w+){0,2} ?(?:d'|de l'|en )eau|manque d'eau|eau coupee
        interruption .{0,30}\beau|sans eau|privee?s? d'eau|p(?:lu|a)s d'eau(?! (?:chaude|potable))
        water (?:cut|outage|off|supply (?:cut|off|interrupt\w+))|water is off|no water
        wasserausfall|kein wasser
    avalanche: avalanches?|lawine\w*
    forest-fire:
        feux? de (?:foret|vegetation|broussailles?|garrigue)s?|incendies? de (?:foret|vegetation)s?|meteo des forets
        (?:forest|wild|bush|grass|brush) ?fires?|red flag|fire (?:weather|danger)|waldbrand\w*
    smoke: fumees?|panache|smoke|brandrauch|rauch(?:gas\w*|entwicklung|wolke\w*|belastung)|grossbrand
    air-quality:
        pollution (?:de l'air|atmospherique|a l'ozone|aux particules)|qualite de l'air|particules fines
        (?:pic|episode|vigilance|alerte)s? (?:de |a la )?pollution(?! (?:de l'eau|des eaux|maritime|au mazout|du \w+))
        air (?:quality|pollution)|smog|ozone|luftqualitat|feinstaub\w*
    coastal: vagues?[- ]submersion|submersion|fortes? vagues?|coastal|storm surge|high surf|grandes? marees?|sturmflut
    rain-flood:
        pluies?[- ](?:et[- ])?inondations?|fortes? pluies?|pluies? (?:fortes?|abondantes?|diluviennes?)
        heavy rain(?:fall)?|rain.?floods?|flash floods?|rainfall|ruissellement|starkregen|dauerregen
    flood:
        crues?|inondations?|floods?|flooding|debordements?|hochwasser\w*|uber(?:schwemm|flut)ung\w*
        (?:rupture|breche|surverse)\b.{0,25}\bdigues?|digues?\b.{0,30}\b(?:rompue?s?|cede\w*|menacee?s?|submergee?s?)
        (?:levee|dyke|dike)s? (?:\w+ ){0,2}(?:breach\w*|break\w*|broken|burst\w*|fail\w*|overtop\w*)|deichbruch
    storm:
        orages?|orageux|orageuses?|thunderstorms?|tornado(?:es)?|tornades?|grele|hail|lightning|foudre
        \w*gewitter\w*|hagel\w*
    snow-ice:
        neiges?|verglas|snow(?:fall)?|ic[ey]|blizzard|winter (?:storm|weather)|freezing rain|glace|frost
        schnee\w*|glatteis|eisregen|glatte
    heat:
        canicule|(?:fortes?|vague de) chaleurs?|heat(?: ?wave)?|(?:high|hot).temperatures?|(?<!reseau de )chaleur
        hitze\w*
    cold: grands? froids?|vague de froid|cold|(?:low|extreme.low).temperatures?|wind ?chill|gel|freeze|kalte\w*
    wind:
        vents?(?: violents?| forts?)?|winds?|gales?|tempetes?|rafales?|hurricane|cyclone|ouragan|storm
        \w*sturm|\w*sturmboen|orkan\w*|windboen
    rain-flood: pluies?|rain
    shelter:
        (?:mise a l'abri|confinement) (?:immediate?|general\w*|obligatoire|preventi\w+|ordonne\w*|en cours)
        (?:mise a l'abri|confinement) (?:demandee?|jusqu'a)
        consignes? de (?:mise a l'abri|confinement)|restez confines|confinement total
        (?:mise a l'abri|confinement) (?:<of>(?:la |l')?<folk>)|^(?:mise a l'abri|confinement)\W*$
        (?:mise a l'abri|confinement)(?= (?:aux?|a|rue|dans) )|(?<=[:,;.] )mise a l'abri
        mise a l'abri(?= ?[:,;!])|mettez-vous a l'abri|abritez-vous|confinez-vous
        shelter[- ]in[- ]place|take shelter(?! from the (?:sun|heat|rain))
    school:
        <school>\b.{0,40}\bferme\w*|fermeture .{0,25}\b<school>
        schools? (?:\w+ )?(?:closed|closures?)|schulausfall|schule\w* geschlossen
    road:
        <way>\b.{0,30}\b<closed>|fermeture .{0,12}\b<way>|coupure <of><way>
        (?:pont|chaussee|tunnel)\b.{0,20}\b(?:effondre\w*|ecroule\w*)|effondrement .{0,12}\b(?:pont|chaussee|route)
        (?:road|street|lane|bridge|tunnel|motorway|highway)s? (?:is )?(?:closed|closures?|collapsed?|blocked)
        (?:strasse|brucke|tunnel|autobahn)\w*\b.{0,25}\b(?:gesperrt|sperrung|eingesturzt)|(?:strassen|voll)sperrung
""")

# What none of the hazards is, by the names that `hazards/general.j2` gives in the language of the reader.
_EVENTS = _table(r"""
    landslide:
        glissements? de terrain|coulees? de boue|eboulements?|landslides?|mudslides?|rockfalls?
        (?:erd|hang)rutsch\w*
    eruption: volcan\w*|eruptions?|vulkan\w*
    bathing: baignades?|bathing|badeverbot
    bomb: bombes?|bombs?|bombenfund|weltkriegsbombe|colis suspect|suspicious package
    collapse: effondre\w*|ecroule\w*|collapse\w*|einsturz\w*|eingesturzt
    quake: seismes?|earthquakes?|erdbeben\w*
    explosion: explosions?
    fire: incendies?|\w*fire|\w*brand
    accident: accidents?|collision|carambolage|crash|\w*unfall|derail\w*|deraille\w*|entgleis\w*
    """)

_NOT_MEANT = dict(
    _table(r"""
    tsunami:
        tsunami de (?!\d|forte|magnitude)\w+|tsunami (?:survivors?|victims?)
        tsunami (?:information|statement|bulletin|evacuation (?:route|plan|map|zone)s?|signs?)
    # "Leave now" is no word for who leaves tomorrow, or perhaps, nor where somebody who is hurt is carried off.
    evacuation:
        evacuations? (?:<of>|of (?:the )?)<load>|<load> evacuation|evakuierung von (?:\d+|zwei|drei|patienten)
        evacuations? (?:d'une? \w+|of (?:an?|two|three|several|some|\d+) \w+)
        evacuations? de (?:deux|trois|quatre|cinq|plusieurs|quelques|\d+) (?!communes|quartiers|rues)\w+
        (?:medical|air) evacuations?|evacuations? (?:sanitaires?|medicales?|aeriennes?|aeroportees?|par helico\w+)
        (?:exercices?|plans?|voies?|itineraires?|centres?|issues?|sorties?|kits?|sacs?|schemas?|reseaux?) d'evacuation
        evacuation (?:drill|exercise|plan|route|map|zone|centre|center|shelter|kit|procedure|day)s?
        evakuierungs(?:ubung|plan|zone|zentrum)\w*
        evacuation\b.{0,40}\b(?:s'est|a dure|a eu lieu|reussie|went well|took)
        # Perhaps
        evacuation (?:\w+ ){0,2}(?:possible|eventuelle|potentielle|envisagee|conseillee|recommandee|volontaire)
        (?:possible|potential|partial|voluntary|planned|eventuelle|possibilite d') ?evacuations?
        evacuation (?:orders? )?downgraded|evacuations? (?:watch|warning|advisory)
        evacuations? (?:is |are )?(?:possible|planned|likely|recommended|expected|voluntary)
        (?:preparez-vous|pre?te?s?|be ready|be prepared|get ready|prepare|bereit\w*|vorbereit\w*)\b.{0,25}\bev[ak]\w+
        (?:preparez-vous|pre?te?s?|be ready|be prepared|get ready|prepare) (?:to leave|a partir)
        (?:faut-il|doit-on|should (?:i|we|you)|will)\b.{0,20}\bevac\w+|evacuation ?\?
        evakuierung\w*\b.{0,20}\b(?:vorbereit\w*|moglich|geplant)
        # Later
        evacuation (?:prevue|programmee|planifiee)
        (?:evacuation|evakuierung)\b(?!.{0,40}\b<now>)(?<!immediate evacuation).{0,40}\b(?:<day>|<hour>)
        (?:<day>|<hour>)\b.{0,30}\b(?:evacuation|evakuierung)\b(?!.{0,40}\b<now>)
    attack:
        vigipirate|urgence attentat|(?:risque|menace) (?:d')?attentats?|terror threat level
        (?:photo|movie|tv) shooting|films?|shooting stars?
        tireurs? (?:d'elite|sportifs?|a l'arc)|cyber\w*|heart attacks?|(?:shark|dog|wolf) attacks?
        arrested|sentenced|arretee?s?|interpelle\w*|rendus?|dejoue\w*|vereitelt|liberee?s?|freed
    dam:
        risques? de rupture|menace de (?:rupture|ceder)|films?|assess\w*
        barrages? (?:routiers?|filtrants?|de police|de gendarmerie|d'agriculteurs)|(?:possible|potential) dam
    # Water that nobody drinks
    water-quality:
        (?:baignade|bathing|swimming|plage|beach|lac|lake|riviere|river|canal|sea|etang|pond)(?:e?s)?
        flood ?water|eaux? (?:usees?|pluviales?|de baignade|de mer)|badesee|badegewasser
    gas:
        gaz (?:renouvelables?|a effet de serre|lacrymogenes?|hilarant|d'echappement|carbonique)
        gaz de schiste|degazage|gas (?:station|price|bill)s?|(?:gas|leak) (?:inspection|survey)
    # What is told of the whole earth
    quake: green|no people affected|(?:depth|profondeur)\W{0,3}[1-9]\d\d(?:\.\d+)? ?km|preliminary report
    missing: retrouvee?s?|found|located|(?:wieder)?gefunden
    smoke:
        (?:detecteurs?|avertisseurs?) <of>fumees?|smoke[- ](?:alarm|detector|free)s?|evacuation des fumees|sans fumee
    flood:
        debordements?\b.{0,25}\b(?:supporters|manifestation|match|fete|joie)|(?:viandes?|carottes?|legumes) crues?
        inondations? de (?:mails|courriels|spams?|messages)
    storm: coup de foudre|orages? d'idees
    snow-ice:
        ice (?:cream|rink|hockey|skating)|(?:hockey|patinage|spectacle) sur glace|blanche[- ]neige|canons? a neige
    heat: heat (?:pump|network)s?|pompe a chaleur|chaleur humaine|cheque chaleur
    cold: gel (?:hydro\w*|douche|<of>(?:prix|salaires|embauches|loyers|depenses))|cold case|common cold|cold water
    wind: tempete (?:mediatique|politique|dans un verre \w+|de cerveaux?)|wind (?:farm|turbine)s?
    avalanche: avalanche de (?!neige|plaques?|poudreuse|fond)\w+
    # Birds are shut in, reactors are; "de" is followed by people or a place where it is an order.
    shelter:
        (?:mise a l'abri|confinement) (?:<of>(?!(?:la |l')?<folk>\b)\w+|pedagogique|terminee?)
        (?:plan|exercice|salle|enceinte) <of>?(?:confinement|mise a l'abri)|confinement (?:covid|sanitaire|volontaire)
        (?:mise a l'abri|confinement) (?:\w+ )?(?:possible|eventuel\w*|envisage\w*)
        (?:preparez-vous|pre?te?s?) .{0,25}\b(?:abri|confin\w+)|(?:mise a l'abri|confinement) ?\?
        (?:<day>|<hour>)\b.{0,30}\b(?:mise a l'abri|confinement)\b(?!.{0,40}\b<now>)
        (?:mise a l'abri|confinement)\b(?!.{0,40}\b<now>).{0,40}\b(?:<day>|<hour>)
    """)
)
# What makes it the hazard again whatever stands in `_NOT_MEANT`.
_MEANT_STILL = {
    "water-quality": _any_of(r"tap|drinking|boil\w*|mains|robinet|potable|bouillir|(?:trink|leitungs)wasser|abkoch\w+")
}

_DRILLS = r"""
    (?<!pas un )exercices?(?! (?:physiques?|sportifs?))|simulations?|^entrainement
    (?<!not a )drills?(?! (?:bit|hit|rig|struck))
    ^exercise(?! (?:caution|extreme|great|care))|(?<!keine )\w*ubung(?:en)?|probe(?:alarm|warnung)\w*|warntag
    (?:emergency|training|rescue|scale|tabletop|tsunami|flood|(?<!not )an) exercise
    (?:essais?|tests?) (?:mensuels? |trimestriels? )?<of>?(?:sirenes?|alertes?|alarmes?|systeme|fr-alert)
    (?:siren|alarm|alert|warning|monthly|system) tests?|this is (?:only )?a test|test (?:message|only)
    message de test|ceci est un test
"""
_IS_DRILL = _any_of(_DRILLS)
_NO_EVENT = _any_of(
    _DRILLS
    + r"""
    # Questions, and advice for another day
    ^(?:que faire|comment|faut-il|pourquoi|savez-vous|how to|what to do|should (?:i|we|you)|why|was tun|so schutzen)
    ^(?:en cas d[e']|in case of|in the event of|im falle).{0,40}
    # Talks, memories, money, rumours
    commemorations?|anniversaires?|hommage|anniversary|memorial (?:service|ceremony)|gedenk(?:feier|tag)\w*
    (?:il y a|deja|:) \d+ ans|\d+ ans (?:apres|deja)|\d+ years (?:ago|after)|exposition|ceremonie|souvenirs|documentaire
    bilan|polemique|enquete|debat|etude|solidarite|portes ouvertes|recrute\w*|reglementation|how to help|spenden\w*
    proces|on trial|reunions? (?:publiques?|d'information)
    informationsabend|enquete publique|^conference|conference (?:de presse|sur|publique)
    ateliers? (?:de prevention|sur)|workshop (?:on|about)
    webinaire|retours? d'experience|journees? (?:nationale|mondiale|de prevention|d'information)|sensibilisation
    campagnes? de prevention|plan de prevention|ppri|indemnis\w+|catastrophe naturelle|appel aux dons|collecte de dons
    public meeting|open day|awareness (?:week|day|month|campaign)|preparedness|lessons learned|inquiry
    (?:par|:) erreur|^erreur|(?:in|by) (?:error|mistake)|was a mistake|faux (?:sms|message)|ignore (?:the|this)
    rien d'anormal|n'en tenez pas compte|rumeurs?|canular|intox|c'est faux|hoax|gerucht|mode d'emploi
    ce qu'il faut savoir
    # Nothing is expected
    (?:pas de|aucune?|no|keine?) (?:danger|gefahr|threat|menace)(?! (?:d[e']|of|from|durch))|need to know
    (?:danger|threat) (?:has )?passed|vigilance verte
    niveau vert|green (?:warning|level)|no (?:warnings?|alerts?) in force|keine warnung\w*
"""
)

_DENIED_BEFORE = re.compile(
    r"(?:\b(?:pas|aucune?|sans|ni|jamais|plus|ecarte\w*|exclu\w*) "
    r"(?:de |d'|du |des |la |le |les |l'|une? |tout |besoin |risque |danger |menace |autre |ordre |consigne ){0,4}"
    r"|\b(?:no|not|never|without|no longer|rules? out|don't|needn't|kein\w*|ohne|nicht) "
    r"(?:an? |any |the |risk |danger |threat |need |of |to |for |from |more |further |mandatory |gefahr |durch |einer )"
    r"{0,5}|\bn')$"
)
_DENIED_AFTER = re.compile(
    r"[^.,;:!?–]{0,30}\b(?:ecartee?s?|exclue?s?|infondee?s?|dementie?s?|inutiles?"
    r"|n'(?:est|a|aura) (?:pas|plus)(?! (?:encore )?(?:leve|termine|fini|annule|maitrise|repare|colmate))"
    r"|(?:pas|non) (?:necessaire|requise|prevue|confirmee?|envisagee?|ordonnee?)s?"
    r"|(?:not|un)[ -]?(?:necessary|needed|required|planned|expected|confirmed|ordered)"
    r"|unlikely|ruled out|nicht (?:notig|erforderlich|geplant)|ausgeschlossen)\b"
)
_PAST = re.compile(
    r"\b(?:apres|suite aux?|suite a|a la suite|after|following|nach|depuis|since|seit) "
    r"(?:de la |de l'|des |du |de |d')?(?:[\w']+ ){0,2}(?:l')?$"
)
# What has passed where something is "after" it. After a leak or an earthquake their orders hold.
_IN_THE_PAST = frozenset(
    ("evacuation", "avalanche", "coastal", "rain-flood", "flood", "storm", "snow-ice", "heat", "cold", "wind")
)
_BESIDE = 50


# Each channel asks again of the same alert; a text is read once.
_read_once = lru_cache(maxsize=512)


@_read_once
def named(text: str) -> tuple[str, ...]:
    """Return the hazards that a folded text names and means, by their values, the gravest first."""
    if _NO_EVENT.search(text):
        return ()
    return tuple(
        hazard
        for hazard, names in _NAMES
        if any(not _is_denied(hazard, text, found) for found in names.finditer(text)) and is_meant(hazard, text)
    )


@_read_once
def is_meant(hazard: str, text: str) -> bool:
    """Whether a text that names a hazard, or stands beside its name, can mean it."""
    if hazard in _MEANT_STILL and _MEANT_STILL[hazard].search(text):
        return True
    return not (hazard in _NOT_MEANT and _NOT_MEANT[hazard].search(text))


@_read_once
def event_in(text: str) -> str:
    """Return the first of the other events that a folded text names, "" where none."""
    return next((event for event, names in _EVENTS if names.search(text)), "")


@_read_once
def is_drill(text: str) -> bool:
    """Whether it is only rehearsed or tried out."""
    return _IS_DRILL.search(text) is not None


def _is_denied(hazard: str, text: str, found: re.Match[str]) -> bool:
    before = text[max(0, found.start() - _BESIDE) : found.start()]
    if _DENIED_BEFORE.search(before) or _DENIED_AFTER.match(text, found.end()):
        return True
    return hazard in _IN_THE_PAST and _PAST.search(before) is not None


# Within one clause: in "storm warning: the market is cancelled" it is the market that is.
_OVER = _any_of(r"""
    (?:fin|levee|cloture) <of>(?:<alarm>|<threat>)|retour a la normale|n'(?:est|a) plus (?:en vigueur|lieu)
    (?:<alarm>|<threat>)\b[^.;:,]{0,60}?\b<is>(?:levee?|terminee?|finie?|ecartee?|close)s?
    (?:<alarm>|<threat>) (?:levee?|terminee?|finie?|annulee)s?|<alarm>\b[^.;:,]{0,60}?\b<is>annulees?
    ordre\b[^.;:,]{0,30}\b(?:annule|leve)
    <alarm>\b[^.;:,]{0,40}?\b(?:terminee?s?|annulees?|(?<!the )(?<!after )(?<!se )leve(?:e?s?)(?! \w+ing))
    all[- ]?clear|no longer in (?:effect|force)|entwarnung|lifted$
    (?:<alarm>|<threat>)\b[^.;:,]{0,60}?\b<is>(?:lifted|ended|withdrawn|rescinded|over(?! (?:the|an?|\d)))
    <alarm>\b[^.;:,]{0,60}?\b(?:lifted|rescinded|cancell?ed|over$)
    (?:<alarm>|<threat>)\b[^.;:,]{0,60}?\b(?:aufgehoben|beendet|voruber|vorbei)
    (?:de nouveau|a nouveau|redevenue?|again)\b.{0,12}\b(?:potable|safe)|safe to drink|wieder trinkbar
    """)
_BACK_TO_NORMAL = _any_of(r"""
    ^fin <of>(?!semaine|journee|matinee|soiree|mois|annee|saison|apres-midi|week|ete|hiver)
    fin <of>(?:operation|intervention|fuite|appel)
    (?:fuite|canalisation|conduite|panne|coupure|breche)\b.{0,40}\b(?:repare|colmate|resolu|stoppe|maitrise|termine|leve)e?s?
    (?:incendies?|feux?)\b.{0,40}\b(?:eteint|maitrise|circonscrit|sous controle)e?s?
    (?:\w*fire|blaze|brand)\b.{0,40}\b(?:extinguished|under control|fully contained|geloscht)
    (?:electricite|courant|eau|gaz|strom|wasser)\b.{0,30}\b(?:retablie?|revenue?|de retour|wieder da|wiederhergestellt)
    (?:power|electricity|water|gas|supply)\b.{0,30}\b(?:restored|back on|is back)
    (?:leak|outage|evacuation|burst)\b.{0,30}\b(?:fixed|repaired|completed|plugged|stopped|resolved|under control)
    retours?\b.{0,30}\b(?:autorise\w*|possible|permis)|reintegration <of>|deconfinement
    ruckkehr\b.{0,20}\b(?:moglich|erlaubt)|zuruckkehren
    (?:peuvent|pourront|pouvez|ont pu) (?:\w+ )?(?:rentrer|regagner|sortir|revenir)
    (?:may|can|allowed to|free to) (?:now )?(?:return|go home|go back|go out)|residents? return
    fausse alerte|false alarm|fehlalarm|desamorcee?s?|defused|entscharft|behoben
    (?:evakuierung|einsatz)\w* abgeschlossen|(?:de nouveau|a nouveau|again)\b.{0,12}\b(?:rouvert\w*|ouvert\w*|open)
    """)
_NOT_YET = _any_of(r"""
    non|pas|not|n't|never|no(?! longer)|nicht|kein\w*|noch|encore|toujours|sera|seront|etre|soit|soient|be|will|should
    nobody|until|once|when|quand|lorsque|jusqu'a|avant|before|bis|wird|werden|if|unless|sauf|except|still|attendre|attente
    due|because|raison|cause|wegen
    """)
_LATER = re.compile(
    r".{0,25}\b(?:prevue?|attendue?|expected|planned|estime\w*|demain|tomorrow|a partir|partiel\w*|partly|erwartet)\b"
)
_GOES_ON = _any_of(r"""
    remplac\w+|aggrav\w+|pass(?:e|age) (?:a|en|au)|replac\w+|upgrad\w+|downgrad\w+|exten\w+|prolong\w+
    h(?:och|erab)gestuft|remains?|maintenue?s?|(?:reste|restent|demeure) (?:en|valable|active?|sous)|weiterhin
    """)


@_read_once
def is_taken_back(text: str) -> bool:
    """Whether it says that something is over, or going to be as it was: no order is right then without an officer."""
    return _has_ended(_OVER, text) or _has_ended(_BACK_TO_NORMAL, text)


@_read_once
def says_it_is_over(*texts: str) -> bool:
    """Whether one of them says outright that the alarm or the danger is over, and none that anything goes on."""
    return any(_has_ended(_OVER, text) for text in texts) and not any(_GOES_ON.search(text) for text in texts)


def _has_ended(ways: re.Pattern[str], text: str) -> bool:
    """Whether one of `ways` stands there as done: "sera levée", "not lifted yet" and "fin prévue à 18 h" aren't."""
    return any(
        not _NOT_YET.search(text, max(0, found.start() - 20), found.end()) and not _LATER.match(text, found.end())
        for found in ways.finditer(text)
    )
