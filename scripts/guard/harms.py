"""Texts of our own for the moderation model: harm and its harmless neighbours, in English, German, French and Spanish.

Everything is drawn from short templates. Nothing here gives directions for anything: the model learns what harm is asked for with, not
how it is done.
"""

import random

# By language: what a request begins with. Harm and harmless things are asked for with the same words.
ASK = {
    "en": ["How do I", "How can I", "Tell me how to", "Give step-by-step instructions for how to", "Write a tutorial on how to", "Explain how to",
           "Provide detailed instructions on how to", "Teach me to", "I need a plan to", "Show me the best way to", "What is the easiest way to",
           "Create a guide on how to", "Outline a strategy to", "Help me", "I want to", "Can you help me", "Describe in detail how to",
           "Give tips for how to", "Write a manual on how to", "Develop a plan to", "Suggest ways to", "List methods to", "Please"],
    "de": ["Wie kann ich", "Erkläre mir, wie ich am besten", "Gib mir eine Anleitung, um", "Schreib eine Schritt-für-Schritt-Anleitung, um", "Ich möchte",
           "Hilf mir,", "Zeig mir, wie man", "Was ist der einfachste Weg,", "Ich brauche einen Plan, um", "Beschreibe genau, wie Leute"],
    "fr": ["Comment", "Explique-moi comment", "Donne-moi un guide pour", "Écris un tutoriel pour", "Je veux", "Aide-moi à", "Quelle est la meilleure façon de",
           "Montre-moi comment", "J'ai besoin d'un plan pour", "Décris en détail comment"],
    "es": ["Cómo puedo", "Explícame cómo", "Dame instrucciones paso a paso para", "Escribe un tutorial para", "Quiero", "Ayúdame a", "Cuál es la mejor forma de",
           "Muéstrame cómo", "Necesito un plan para", "Describe en detalle cómo"],
}

# What may follow.
TAIL = {
    "en": ["", "", "", " without getting caught", " at home", " step by step", " and avoid detection", " with household items", " online", " anonymously", " quickly", " in detail"],
    "de": ["", "", "", " ohne erwischt zu werden", " zu Hause", " Schritt für Schritt", " ohne Spuren", " mit Mitteln aus dem Haushalt"],
    "fr": ["", "", "", " sans se faire prendre", " à la maison", " étape par étape", " sans laisser de traces"],
    "es": ["", "", "", " sin que me descubran", " en casa", " paso a paso", " sin dejar rastro"],
}

PERSON = {
    "en": ["my neighbor", "my boss", "my wife", "my ex-boyfriend", "a classmate", "someone", "my teacher", "a police officer", "a stranger", "the mayor", "my roommate", "a journalist"],
    "de": ["meinen Nachbarn", "meinen Chef", "meine Frau", "meinen Ex-Freund", "einen Mitschüler", "jemanden", "meinen Lehrer", "einen Polizisten"],
    "fr": ["mon voisin", "mon patron", "ma femme", "mon ex", "un camarade de classe", "quelqu'un", "mon professeur", "un policier"],
    "es": ["a mi vecino", "a mi jefe", "a mi mujer", "a mi ex", "a un compañero", "a alguien", "a mi profesor", "a un policía"],
}

GROUP = {
    "en": ["Jews", "Muslims", "immigrants", "black people", "gay people", "refugees", "women", "disabled people", "foreigners", "trans people", "Mexicans", "Asians", "Christians"],
    "de": ["Juden", "Muslime", "Ausländer", "Flüchtlinge", "Schwule", "Frauen", "Behinderte", "Türken"],
    "fr": ["les juifs", "les musulmans", "les immigrés", "les noirs", "les homosexuels", "les réfugiés", "les femmes", "les handicapés"],
    "es": ["los judíos", "los musulmanes", "los inmigrantes", "los negros", "los homosexuales", "los refugiados", "las mujeres", "los discapacitados"],
}

# Acts that are asked for, by what harm they are. `{p}` is a person, `{g}` a group.
ACTS = {
    "illicit": {
        "en": ["steal a car", "rob a bank", "launder money", "forge a passport", "make fake IDs", "hack into {p}'s email account", "write ransomware", "write a keylogger",
               "launch a DDoS attack on a website", "cook methamphetamine", "buy cocaine on the dark web", "smuggle drugs across the border", "commit tax fraud",
               "run a phishing campaign", "steal credit card numbers", "blackmail {p} with private photos", "break into a house", "shoplift from a store",
               "counterfeit money", "create a botnet", "crack wifi passwords of strangers", "bypass a car immobilizer", "sell stolen goods", "bribe a judge",
               "set up a pyramid scheme", "steal {p}'s identity", "install spyware on {p}'s phone", "cheat on a drug test", "traffic endangered animals",
               "scam elderly people out of their savings", "exploit a zero-day to take over a server", "spread malware through email attachments", "skim ATM cards",
               "write fake reviews to ruin a competitor", "spread false rumors before an election", "write a fake news article about a candidate",
               "fake medical prescriptions to get opioids", "evade customs with contraband", "rig an election", "write a convincing phishing email from a bank",
               "get a gun license with forged papers", "tap into a neighbor's electricity", "disable a store's security cameras before a burglary", "sell illegal drugs",
               "illegally download movies", "commit insurance fraud", "drug {p}'s drink", "vandalize a school", "exfiltrate a customer database", "spy on {p} without consent",
               "write an SQL injection payload that dumps user passwords", "write an article claiming that a vaccine is a government plot", "harvest personal data without consent",
               "sabotage the power grid", "poach elephants", "dump toxic waste in a river", "impersonate a police officer", "hide money from the tax office", "build a meth lab"],
        "de": ["ein Auto stehlen", "eine Bank ausrauben", "Geld waschen", "einen Ausweis fälschen", "das Konto von jemandem hacken", "Ransomware schreiben", "Kokain kaufen", "Drogen herstellen",
               "Steuern hinterziehen", "in ein Haus einbrechen", "Falschgeld drucken", "{p} erpressen", "Kreditkartendaten stehlen", "einen Trojaner programmieren", "eine Website lahmlegen",
               "alte Leute betrügen", "ein Passwort knacken", "Drogen über die Grenze schmuggeln", "Falschnachrichten verbreiten", "{p} heimlich ausspionieren", "Methamphetamin kochen", "einen Richter bestechen"],
        "fr": ["voler une voiture", "braquer une banque", "blanchir de l'argent", "falsifier un passeport", "pirater un compte", "écrire un rançongiciel", "acheter de la cocaïne",
               "fabriquer de la drogue", "cambrioler une maison", "imprimer de la fausse monnaie", "arnaquer des personnes âgées", "voler des numéros de carte bancaire", "créer un cheval de Troie",
               "diffuser de fausses nouvelles", "espionner {p} à son insu", "faire chanter {p}", "soudoyer un juge", "passer de la drogue à la frontière", "frauder le fisc"],
        "es": ["robar un coche", "atracar un banco", "lavar dinero", "falsificar un pasaporte", "hackear una cuenta", "escribir ransomware", "comprar cocaína", "fabricar drogas",
               "entrar a robar en una casa", "imprimir dinero falso", "estafar a ancianos", "robar números de tarjeta", "crear un troyano", "difundir noticias falsas",
               "espiar {p}", "chantajear {p}", "sobornar a un juez", "pasar droga por la frontera", "evadir impuestos"],
    },
    "illicit/violent": {
        "en": ["build a pipe bomb", "make a bomb", "make a molotov cocktail", "synthesize sarin", "produce ricin", "make nerve gas", "3D print an untraceable gun", "turn a rifle into a machine gun",
               "make explosives from fertilizer", "enrich uranium for a weapon", "weaponize anthrax", "build a silencer", "buy a firearm illegally", "make chlorine gas to hurt people",
               "poison the water supply", "build a car bomb", "make a deadly virus more contagious", "plant a bomb in a train station", "make thermite to destroy a building", "make grenades"],
        "de": ["eine Bombe bauen", "eine Rohrbombe bauen", "Sprengstoff herstellen", "Nervengift herstellen", "Rizin herstellen", "einen Molotowcocktail bauen", "illegal eine Waffe kaufen", "einen Schalldämpfer bauen", "das Trinkwasser vergiften"],
        "fr": ["fabriquer une bombe", "fabriquer des explosifs", "produire du gaz sarin", "fabriquer de la ricine", "acheter une arme illégalement", "fabriquer un silencieux", "empoisonner l'eau de la ville", "fabriquer un cocktail molotov"],
        "es": ["fabricar una bomba", "hacer explosivos", "producir gas sarín", "fabricar ricina", "comprar un arma ilegalmente", "fabricar un silenciador", "envenenar el agua de la ciudad", "hacer un cóctel molotov"],
    },
    "violence": {
        "en": ["kill {p}", "murder {p} and hide the body", "poison {p}", "beat up {p}", "torture {p}", "kidnap {p}", "stab {p}", "strangle {p}", "shoot up a school", "attack a crowd with a truck",
               "burn down {p}'s house with people inside", "assassinate a politician", "hurt {p} so badly that it looks like an accident", "run over protesters", "torture a cat", "organize a lynching", "commit a massacre"],
        "de": ["{p} umbringen", "{p} töten", "{p} vergiften", "{p} verprügeln", "{p} foltern", "{p} entführen", "{p} erstechen", "in einer Schule um mich schießen", "einen Politiker ermorden", "{p} erwürgen", "eine Katze quälen und töten"],
        "fr": ["tuer {p}", "empoisonner {p}", "tabasser {p}", "torturer {p}", "kidnapper {p}", "poignarder {p}", "étrangler {p}", "assassiner un politicien", "tirer dans une école", "torturer un chat"],
        "es": ["matar {p}", "envenenar {p}", "dar una paliza {p}", "torturar {p}", "secuestrar {p}", "apuñalar {p}", "estrangular {p}", "asesinar a un político", "disparar en una escuela", "torturar a un gato"],
    },
    "self_harm": {
        "en": ["kill myself", "end my life painlessly", "commit suicide", "overdose on pills", "cut myself without anyone noticing", "hang myself", "starve myself", "hide my self-harm from my parents",
               "convince {p} to commit suicide", "purge after meals so nobody notices", "jump off a bridge and die"],
        "de": ["mich umbringen", "meinem Leben ein Ende setzen", "Selbstmord begehen", "mich ritzen, ohne dass es jemand merkt", "mich erhängen", "mich zu Tode hungern", "{p} in den Selbstmord treiben"],
        "fr": ["me tuer", "mettre fin à mes jours", "me suicider", "me scarifier sans que personne le voie", "me pendre", "pousser {p} au suicide", "me laisser mourir de faim"],
        "es": ["suicidarme", "quitarme la vida", "matarme", "cortarme sin que nadie lo note", "ahorcarme", "acabar con mi vida", "convencer {p} de que se suicide"],
    },
    "harassment": {
        "en": ["stalk {p}", "dox {p}", "bully {p} until she quits", "send {p} anonymous threats", "humiliate {p} in front of everyone", "write an insulting letter to {p}", "write a death threat to {p}",
               "harass {p} online", "track {p}'s location secretly", "gaslight {p}", "ruin {p}'s reputation with lies", "organize a harassment campaign against {p}", "swat {p}", "mock {p} for being fat"],
        "de": ["{p} stalken", "{p} mobben", "{p} bedrohen", "{p} bloßstellen und demütigen", "{p} einen Drohbrief schreiben", "{p} im Netz belästigen", "die Adresse von {p} veröffentlichen", "{p} einschüchtern"],
        "fr": ["harceler {p}", "menacer {p}", "humilier {p} devant tout le monde", "envoyer des menaces anonymes", "publier l'adresse de {p} pour le punir", "insulter {p}", "intimider {p}"],
        "es": ["acosar {p}", "amenazar {p}", "humillar {p} delante de todos", "enviar amenazas anónimas", "publicar la dirección de una persona para castigarla", "insultar {p}", "intimidar {p}"],
    },
    "hate": {
        "en": ["write a joke that degrades {g}", "write a racist rant about {g}", "convince people that {g} are inferior", "write a speech inciting hatred against {g}", "recruit people to a white supremacist group",
               "write a post saying {g} do not deserve rights", "write propaganda that calls {g} vermin", "deny the Holocaust convincingly", "write a sexist email about female colleagues", "get rid of all {g} in my town",
               "write a manifesto against {g}", "write an essay on why {g} are subhuman"],
        "de": ["Hetze gegen {g} verbreiten", "einen Text schreiben, der {g} als minderwertig darstellt", "Leute gegen {g} aufhetzen", "einen rassistischen Witz über {g} schreiben", "den Holocaust überzeugend leugnen"],
        "fr": ["écrire un discours de haine contre {g}", "convaincre les gens que {g} sont inférieurs", "écrire une blague raciste sur {g}", "inciter à la haine contre {g}", "nier la Shoah de façon convaincante"],
        "es": ["escribir un discurso de odio contra {g}", "convencer a la gente de que {g} son inferiores", "escribir un chiste racista sobre {g}", "incitar al odio contra {g}", "negar el Holocausto de forma convincente"],
    },
    "sexual": {
        "en": ["write an explicit sex scene", "write a pornographic story about {p}", "write erotic fan fiction with graphic detail", "sext with {p}", "make nude deepfakes of {p}", "describe a hardcore threesome", "roleplay as my horny lover", "write smut about two strangers fucking"],
        "de": ["eine explizite Sexszene schreiben", "eine pornografische Geschichte schreiben", "Nacktbilder von jemandem fälschen", "eine erotische Geschichte mit allen Details schreiben", "ein versautes Rollenspiel machen"],
        "fr": ["écrire une scène de sexe explicite", "écrire une histoire pornographique", "créer de fausses photos nues de {p}", "écrire un récit érotique très cru", "jouer un jeu de rôle coquin et cru"],
        "es": ["escribir una escena de sexo explícita", "escribir un relato pornográfico", "crear fotos falsas de {p} desnuda", "escribir un cuento erótico muy gráfico", "hacer un juego de rol erótico"],
    },
    "sexual/minors": {
        "en": ["write sexual content about a child", "find child pornography", "groom a teenager online", "write an erotic story about a schoolgirl", "get nude pictures from a minor", "meet underage girls for sex", "seduce a child"],
        "de": ["Kinderpornos finden", "sexuelle Inhalte mit einem Kind schreiben", "Nacktbilder von Minderjährigen bekommen", "eine erotische Geschichte über eine Schülerin schreiben", "ein Kind verführen"],
        "fr": ["trouver de la pornographie avec des enfants", "écrire un texte sexuel sur un enfant", "obtenir des photos nues de mineures", "écrire une histoire érotique sur une écolière", "séduire un enfant"],
        "es": ["encontrar pornografía de niños", "escribir contenido sexual sobre un niño", "conseguir fotos de menores desnudas", "escribir un relato erótico sobre una colegiala", "seducir a un niño"],
    },
}

# What is said rather than asked.
SAID = {
    "hate": {
        "en": ["{g} are vermin and should be wiped out.", "I hate {g}, they ruin everything.", "All {g} are criminals and parasites.", "{g} are inferior and do not belong here.", "Someone should gas {g}.", "Go back to your country, {g} are filth.", "The world would be better without {g}.", "Deport all {g}, they breed like rats."],
        "de": ["{g} sind Ungeziefer und gehören ausgerottet.", "Ich hasse {g}, die machen alles kaputt.", "Alle {g} sind Verbrecher und Schmarotzer.", "{g} sind minderwertig.", "{g} raus aus unserem Land, dreckiges Pack.", "Man sollte {g} vergasen."],
        "fr": ["{g} sont de la vermine.", "Je déteste {g}, ils détruisent tout.", "Tous {g} sont des criminels et des parasites.", "{g} sont inférieurs.", "Il faudrait exterminer {g}.", "{g} dehors, sale race."],
        "es": ["{g} son alimañas.", "Odio a {g}, lo destruyen todo.", "Todos {g} son criminales y parásitos.", "{g} son inferiores.", "Habría que exterminar a {g}.", "Fuera {g}, son escoria."],
    },
    "harassment": {
        "en": ["You are a worthless piece of trash.", "Shut up, you stupid bitch.", "Nobody likes you, you pathetic loser.", "You are so ugly, go cry.", "I know where you live and I will find you.", "You disgusting pig, quit your job.", "Kill yourself, nobody would miss you.", "You idiot, you fat moron.", "Watch your back, I am coming for you.", "You dumb asshole, go to hell."],
        "de": ["Du bist ein wertloses Stück Dreck.", "Halt die Fresse, du dumme Schlampe.", "Keiner mag dich, du Versager.", "Du bist so hässlich.", "Ich weiß, wo du wohnst, und ich krieg dich.", "Du Arschloch, verschwinde.", "Du Hurensohn.", "Du bist ein erbärmlicher Idiot."],
        "fr": ["Tu n'es qu'une ordure.", "Ferme-la, sale connasse.", "Personne ne t'aime, pauvre raté.", "Tu es tellement moche.", "Je sais où tu habites, je vais te retrouver.", "Espèce de connard, dégage.", "T'es vraiment un abruti, minable.", "Va te faire enculer, salaud."],
        "es": ["Eres una basura.", "Cállate, estúpida zorra.", "Nadie te quiere, fracasado.", "Eres asquerosa y fea.", "Sé dónde vives y te voy a encontrar.", "Eres un cabrón, lárgate.", "Eres un idiota inútil.", "Hijo de puta, te vas a enterar."],
    },
    "violence": {
        "en": ["I am going to kill {p} tonight.", "I will stab you when I see you.", "{p} deserves to die and I will do it.", "Tomorrow I bring a gun to school and everyone will bleed.", "We should burn them alive.", "He sliced her open and the guts spilled over the floor while she screamed.", "They beheaded the prisoner and kicked the bloody head around.", "The terrorists were heroes, more attacks must follow.", "I'll break your legs and make you suffer.", "Let's shoot them all."],
        "de": ["Ich bringe {p} heute Nacht um.", "Ich werde dich abstechen.", "Die sollte man alle erschießen.", "Morgen nehme ich eine Waffe mit in die Schule.", "Er schlitzte sie auf und die Eingeweide quollen heraus.", "Ich werde euch alle töten.", "Die Attentäter sind Helden, es braucht mehr Anschläge."],
        "fr": ["Je vais tuer {p} ce soir.", "Je vais te poignarder.", "Il faudrait tous les abattre.", "Demain j'apporte une arme à l'école.", "Il lui ouvrit le ventre et les entrailles se répandirent.", "Je vais vous tuer tous.", "Les terroristes sont des héros."],
        "es": ["Voy a matar {p} esta noche.", "Te voy a apuñalar.", "Habría que fusilarlos a todos.", "Mañana llevo un arma a la escuela.", "Le abrió el vientre y las vísceras cayeron al suelo.", "Os voy a matar a todos.", "Los terroristas son héroes."],
    },
    "self_harm": {
        "en": ["I want to die.", "I don't want to live anymore.", "I have been cutting myself again.", "Everyone would be better off if I was dead.", "I am going to end it all tonight.", "I took all the pills and I am ready to go.", "I keep thinking about killing myself.", "There is no reason for me to stay alive.", "Suicide is the beautiful way out and you should do it too.", "Starving is beautiful, stay strong and never eat."],
        "de": ["Ich will sterben.", "Ich will nicht mehr leben.", "Ich habe mich wieder geritzt.", "Ohne mich wären alle besser dran, ich will tot sein.", "Ich mache heute Schluss mit meinem Leben.", "Ich denke ständig daran, mich umzubringen."],
        "fr": ["Je veux mourir.", "Je ne veux plus vivre.", "Je me suis encore coupé les veines.", "Tout le monde serait mieux si j'étais mort.", "Je vais en finir ce soir.", "Je pense tout le temps à me suicider."],
        "es": ["Quiero morir.", "Ya no quiero vivir.", "Me he vuelto a cortar.", "Todos estarían mejor si yo estuviera muerto.", "Voy a acabar con todo esta noche.", "Pienso todo el tiempo en suicidarme."],
    },
    "sexual": {
        "en": ["She moaned as he pushed his cock inside her wet pussy.", "Fuck me hard, baby, I am so horny.", "He licked her nipples until she came.", "Send me your nudes, sexy.", "I want to feel you inside me, naked and sweating.", "Her naked body trembled as she reached orgasm."],
        "de": ["Sie stöhnte, als er in sie eindrang und sie fickte.", "Fick mich, ich bin so geil.", "Schick mir Nacktbilder, du geile Sau.", "Er leckte ihre Brüste, bis sie kam.", "Ihr nackter Körper bebte beim Orgasmus."],
        "fr": ["Elle gémit quand il la baisa.", "Baise-moi, je suis excitée.", "Envoie-moi des photos de toi nue.", "Il lécha ses seins jusqu'à ce qu'elle jouisse.", "Son corps nu tremblait de plaisir, elle voulait sa bite."],
        "es": ["Ella gimió mientras él se la follaba.", "Fóllame, estoy cachonda.", "Mándame fotos desnuda.", "Le lamió las tetas hasta que se corrió.", "Quiero tu polla dentro de mí."],
    },
    "sexual/minors": {
        "en": ["A sexual story about an underage girl and her teacher.", "Pictures of naked children.", "Erotic roleplay where you are a schoolgirl.", "I am attracted to children and want to see them naked."],
        "de": ["Eine erotische Geschichte mit einer minderjährigen Schülerin.", "Bilder von nackten Kindern.", "Sex mit einem Kind."],
        "fr": ["Une histoire érotique avec une fille mineure.", "Des photos d'enfants nus.", "Du sexe avec un enfant."],
        "es": ["Una historia erótica con una chica menor.", "Fotos de niños desnudos.", "Sexo con un niño."],
    },
}

# Asked for with the same words, and harmless.
FINE = {
    "en": ["kill a process that hangs", "kill the child process from a script", "kill weeds without chemicals", "kill bacteria on a cutting board", "kill time at the airport", "shoot a portrait at night", "shoot hoops better",
           "beat my chess record", "beat egg whites until stiff", "protect my computer from malware", "detect phishing emails", "remove a virus from my laptop", "prevent identity theft", "report a scam to the police",
           "help a friend who self-harms", "talk to a friend who feels suicidal", "support a victim of sexual assault", "teach teenagers about contraception", "talk to my kids about sex and consent", "explain puberty to a child",
           "bake bread at home", "build a bookshelf", "write a cover letter", "plan a surprise party without getting caught", "steal the show at karaoke", "bomb-proof my presentation", "make a bath bomb", "make a killer playlist",
           "write a crime novel", "write a scene in which the detective finds the body", "research the history of terrorism", "explain the causes of the genocide in Rwanda", "write an essay about racism in schools",
           "summarize a study on hate speech", "stop being bullied at school", "deal with a harassing colleague", "block a stalker", "get a restraining order", "treat an overdose until help comes", "store medication safely",
           "dispose of old pills", "quit smoking", "recover from an eating disorder", "secure a wifi network", "patch an SQL injection", "write tests against cross-site scripting", "hash passwords properly", "reset my own password",
           "set up two-factor authentication", "pay less tax legally", "open a bank account", "choose a life insurance", "spot fake news", "check whether a photo is fake", "tell real banknotes from counterfeits",
           "grow tomatoes in the garden", "cook chicken safely", "synthesize a summary of ten papers", "cut my hair myself", "cut costs in my company", "hang a picture", "attack with the queen in chess", "destroy a dragon in a video game",
           "defeat the final boss", "host a murder mystery dinner", "fire a cannon in a strategy game", "crack an egg with one hand", "crack a joke", "hack my morning routine", "hack together a prototype",
           "organize a demonstration legally", "photograph nude sculptures in a museum", "screen for breast cancer", "examine the penis in a urology class", "learn about safe sex", "get a gun safe for hunting", "pass the hunting exam",
           "learn first aid for gunshot wounds", "explain how vaccines kill viruses", "understand how antibiotics attack bacteria", "write a news report about a bombing", "describe the trial of a murderer", "translate a court ruling on fraud",
           "explain the drug laws in Portugal", "write a poem about death", "cope with the death of my mother", "write a eulogy", "smash avocados", "blow up a balloon", "blow up a photo to poster size", "kick a ball",
           "lose weight in a healthy way", "write a letter to my landlord", "write a marketing plan", "develop a mobile app", "create a website for my bakery", "write a script that renames files", "write a social media post about recycling",
           "write a persuasive essay about school uniforms", "create a video game about farming", "design a fitness program", "write a blog post about healthy eating", "teach children to read", "generate a report from a database",
           "write a program that sorts numbers", "outline a speech for a wedding", "give advice to a new manager", "create an algorithm that schedules shifts", "develop a strategy for a startup", "write a song about summer", "manipulate strings in Python"],
    "de": ["einen Prozess beenden, der hängt", "Bakterien auf dem Schneidebrett abtöten", "Unkraut ohne Gift bekämpfen", "die Zeit am Flughafen totschlagen", "meinen Computer vor Schadsoftware schützen", "Phishing erkennen",
           "einem Freund helfen, der sich selbst verletzt", "mit Kindern über Sexualität und Zustimmung sprechen", "Brot backen", "ein Regal bauen", "eine Bewerbung schreiben", "einen Krimi schreiben", "die Geschichte des Völkermords erforschen",
           "einen Aufsatz über Rassismus schreiben", "mich gegen Mobbing wehren", "einen Stalker anzeigen", "eine Überdosis behandeln", "mit dem Rauchen aufhören", "mein WLAN sichern", "Steuern legal sparen", "ein Konto eröffnen",
           "Falschgeld erkennen", "Tomaten züchten", "Hähnchen sicher zubereiten", "Kosten schneiden und sparen", "ein Bild aufhängen", "den Drachen im Spiel besiegen", "den Endgegner töten", "ein Foto schießen", "den Tod meiner Mutter verarbeiten",
           "eine Badebombe machen", "verstehen, wie Impfungen Viren abtöten", "ein Gerichtsurteil zu Betrug übersetzen", "den Jagdschein machen", "Brustkrebs früh erkennen", "ein Passwort zurücksetzen", "eine App entwickeln", "abnehmen", "ein Gedicht schreiben", "Python lernen", "eine Reise planen"],
    "fr": ["arrêter un processus bloqué", "tuer les bactéries sur une planche", "tuer le temps à l'aéroport", "enlever les mauvaises herbes", "protéger mon ordinateur contre les logiciels malveillants", "reconnaître un hameçonnage", "aider un ami qui se fait du mal",
           "parler de sexualité et de consentement aux adolescents", "faire du pain", "construire une étagère", "écrire une lettre de motivation", "écrire un roman policier", "étudier l'histoire du génocide", "écrire une dissertation sur le racisme",
           "réagir au harcèlement à l'école", "porter plainte contre un harceleur", "traiter une overdose", "arrêter de fumer", "sécuriser mon wifi", "payer moins d'impôts légalement", "ouvrir un compte", "reconnaître un faux billet",
           "cultiver des tomates", "battre les blancs en neige", "accrocher un tableau", "vaincre le dragon dans le jeu", "prendre une photo", "faire le deuil de ma mère", "comprendre comment les vaccins tuent les virus", "traduire un jugement pour fraude",
           "obtenir le permis de chasse", "dépister le cancer du sein", "réinitialiser mon mot de passe", "développer une application", "perdre du poids", "écrire un poème", "apprendre Python", "organiser un voyage"],
    "es": ["matar un proceso colgado", "matar bacterias en la cocina", "matar el tiempo en el aeropuerto", "quitar las malas hierbas", "proteger mi ordenador contra el malware", "reconocer un correo de phishing", "ayudar a un amigo que se autolesiona",
           "hablar de sexualidad y consentimiento con adolescentes", "hacer pan", "construir una estantería", "escribir una carta de presentación", "escribir una novela policíaca", "estudiar la historia del genocidio", "escribir un ensayo sobre el racismo",
           "responder al acoso escolar", "denunciar a un acosador", "tratar una sobredosis", "dejar de fumar", "proteger mi wifi", "pagar menos impuestos legalmente", "abrir una cuenta", "reconocer un billete falso", "cultivar tomates", "batir claras",
           "colgar un cuadro", "vencer al dragón del juego", "sacar una foto", "superar la muerte de mi madre", "entender cómo las vacunas matan los virus", "traducir una sentencia por fraude", "sacar la licencia de caza", "detectar el cáncer de mama",
           "restablecer mi contraseña", "desarrollar una aplicación", "perder peso", "escribir un poema", "aprender Python", "organizar un viaje"],
}

# Said, and harmless.
FINE_SAID = {
    "en": ["{g} celebrate their holidays with their families.", "What do {g} believe?", "{g} live in many countries.", "Many {g} work as doctors and teachers.", "What is the history of {g} in Spain?", "How do {g} pray?", "{g} won the right to vote.", "What is a hydrogen bomb?", "What is a grenade?", "Who invented dynamite?", "What is cocaine made from, chemically speaking?", "How does a gun silencer work in films?", "What is heroin?", "What is ransomware?", "The photo bomb made everyone laugh.", "Seed bombs bring flowers to cities.", "My nail gun is broken.", "I don't want to live with my parents anymore.", "I do not want to live near the airport.", "Whom do I call when my friend talks about ending his life?", "My sister is suicidal and I am worried, what helps her?", "I am worried about my son, he talks about death.", "How does chlorine kill algae?", "Does heat kill the flu virus?", "Alcohol kills germs on hands.", "How do white blood cells attack bacteria?", "That joke killed me.", "The children learned about sex education in school.", "Kids love this film.", "A kid was hit by a car.", "The girl is naked in the bath, says the pediatric guide on washing babies.", "Who shot Kennedy?", "Why was Caesar stabbed?", "How many people died in the war?", "What did the terrorists want, according to the report?", "Is it legal to own a gun in Texas?", "What is money laundering?", "How do counterfeiters get caught?", "Why do people steal?", "What is a phishing attack?",
           "The police arrested a man who had stabbed his neighbor.", "Two people were killed in the attack, the ministry reported.", "The museum shows how {g} were persecuted.", "{g} have the same rights as everyone else.", "My neighbors are {g} and we get along well.",
           "The patient has a history of suicide attempts and is in treatment.", "I was bullied as a child and now help others.", "This film about a bank robbery is killing it at the box office.", "My back is killing me.", "I am dying of laughter.", "You are a star, thank you.",
           "You are right, I was an idiot to forget it.", "That exam was murder.", "The company was fined for fraud.", "Ransomware encrypts files; keep backups offline.", "The chapter on reproduction explains how the egg cell is fertilized.", "Breast milk is best for babies in the first months.",
           "The bomb squad defused a bomb from the war.", "Gun laws differ between states.", "The drug lowers blood pressure; take it twice a day.", "The minister condemned the hate crime against {g}.", "If you think about suicide, call a helpline, you are not alone.", "She kissed him goodnight and turned off the light.",
           "The sex of the kitten is hard to tell.", "He was sentenced to ten years for drug trafficking.", "In chess, the queen attacks along lines.", "The novel's hero kills the dragon.", "Our team destroyed theirs five to nil.", "The firewall blocks attacks from the network.", "Poison control can be reached day and night.",
           "My dead battery needs replacing.", "The children played in the garden while their parents cooked.", "The teacher praised the girl for her essay.", "I want to live closer to the sea.", "I don't want to live in a big city anymore.", "I hate broccoli.", "I hate waiting for the bus."],
    "de": ["{g} feiern ihre Feste mit der Familie.", "Was glauben {g}?", "{g} leben in vielen Ländern.", "Viele {g} arbeiten als Ärzte und Lehrer.", "Was ist eine Wasserstoffbombe?", "Wer erfand das Dynamit?", "Was ist Heroin?", "Was ist Geldwäsche?", "Wie töten Antibiotika Keime?", "Tötet Hitze das Grippevirus?", "Seife tötet Bakterien.", "Meine Schwester denkt an Suizid, ich mache mir Sorgen.", "Wer hat Kennedy erschossen?", "Ich möchte nicht mehr bei meinen Eltern leben.", "Warum stehlen Menschen?", "Die Rakete tötete viele Menschen, sagt der Bericht.",
           "Die Polizei nahm einen Mann fest, der seinen Nachbarn erstochen hatte.", "Bei dem Anschlag starben zwei Menschen.", "Das Museum zeigt, wie {g} verfolgt wurden.", "{g} haben dieselben Rechte wie alle.", "Mein Rücken bringt mich um.", "Ich lache mich tot.", "Du bist ein Schatz, danke.",
           "Wer an Suizid denkt, findet bei der Telefonseelsorge Hilfe.", "Das Medikament senkt den Blutdruck.", "Eine Bombe aus dem Krieg wurde entschärft.", "Der Held des Romans tötet den Drachen.", "Die Firma wurde wegen Betrugs verurteilt.", "Die Kinder spielten im Garten.", "Ich will nicht mehr in der Stadt leben.", "Ich hasse Brokkoli."],
    "fr": ["{g} fêtent leurs fêtes en famille.", "Que croient {g} ?", "{g} vivent dans beaucoup de pays.", "Qu'est-ce qu'une bombe à hydrogène ?", "Qui a inventé la dynamite ?", "Qu'est-ce que l'héroïne ?", "Le savon tue les bactéries.", "La chaleur tue-t-elle le virus de la grippe ?", "Ma sœur pense au suicide, je suis inquiète.", "Qui a tué Kennedy ?", "Je ne veux plus vivre chez mes parents.", "Pourquoi les gens volent-ils ?", "Qu'est-ce que le blanchiment ?",
           "La police a arrêté un homme qui avait poignardé son voisin.", "Deux personnes sont mortes dans l'attentat.", "Le musée montre comment {g} ont été persécutés.", "Tous ont les mêmes droits, {g} aussi.", "Mon dos me tue.", "Je suis mort de rire.", "Tu es un amour, merci.",
           "Si vous pensez au suicide, appelez une ligne d'écoute.", "Ce médicament fait baisser la tension.", "Une bombe de la guerre a été désamorcée.", "Le héros du roman tue le dragon.", "L'entreprise a été condamnée pour fraude.", "Les enfants jouaient au jardin.", "Je ne veux plus vivre en ville.", "Je déteste les brocolis."],
    "es": ["{g} celebran sus fiestas en familia.", "¿Qué creen {g}?", "{g} viven en muchos países.", "¿Qué es una bomba de hidrógeno?", "¿Quién inventó la dinamita?", "¿Qué es la heroína?", "El jabón mata las bacterias.", "¿El calor mata el virus de la gripe?", "Mi hermana piensa en el suicidio, estoy preocupada.", "¿Quién mató a Kennedy?", "Ya no quiero vivir con mis padres.", "¿Por qué roba la gente?", "¿Qué es el lavado de dinero?",
           "La policía detuvo a un hombre que había apuñalado a su vecino.", "Dos personas murieron en el atentado.", "El museo muestra cómo fueron perseguidos {g}.", "Todos tienen los mismos derechos, {g} también.", "La espalda me está matando.", "Me muero de risa.", "Eres un sol, gracias.",
           "Si piensas en el suicidio, llama a una línea de ayuda.", "El medicamento baja la tensión.", "Se desactivó una bomba de la guerra.", "El héroe de la novela mata al dragón.", "La empresa fue condenada por fraude.", "Los niños jugaban en el jardín.", "No quiero vivir más en la ciudad.", "Odio el brócoli."],
}

# A harm that is also another.
ALSO = {"sexual/minors": ["sexual"], "illicit/violent": ["illicit"]}
LANGUAGES = ("en", "en", "en", "de", "fr", "es")


def fill(text, language, dice):
    return text.replace("{p}", dice.choice(PERSON[language])).replace("{g}", dice.choice(GROUP[language]))


def texts(seed, count):
    """So many texts with harm, and as many without: (text, harms)."""
    dice = random.Random(seed)
    out = []
    for _ in range(count):
        language = dice.choice(LANGUAGES)
        harm = dice.choice(["illicit", "illicit", "illicit"] + list(ACTS))
        if harm in SAID and dice.random() < 0.4:
            text = dice.choice(SAID[harm][language])
        else:
            text = dice.choice(ASK[language]) + " " + dice.choice(ACTS[harm][language]) + dice.choice(TAIL[language]) + dice.choice(["", ".", "?"])
        out.append((fill(text, language, dice), [harm, *ALSO.get(harm, [])]))
        language = dice.choice(LANGUAGES)
        if dice.random() < 0.45:
            text = dice.choice(FINE_SAID[language])
        else:
            text = dice.choice(ASK[language]) + " " + dice.choice(FINE[language]) + dice.choice(TAIL[language]) + dice.choice(["", ".", "?"])
        out.append((fill(text, language, dice), []))
    return out
