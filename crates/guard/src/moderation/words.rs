//! Classes of words that harm is written with, and of words that say it is spoken of rather than meant, in English, German,
//! French and Spanish. Never holds a phrase: what words make together is for the rules and the model.
//!
//! A `*` at the end stands for any rest. Slurs and drastic words stand here because what is to be found must be named.

use crate::injection::Classes;

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Classes = 1 << $bit;)*
    };
}

// The lower the bit, the more a class says: the model pairs a word by its lowest.
classes! {
    /// What is said to wound a whole group.
    SLUR = 0;
    /// Sex openly.
    SEX = 1;
    /// Of no age for it.
    MINOR = 2;
    /// To take one's own life, or hurt oneself.
    SUICIDE = 3;
    /// Explosives, poisons, firearms.
    WEAPON = 4;
    /// Drugs that are not sold.
    DRUG = 5;
    /// Programs made to harm.
    MALWARE = 6;
    /// Deceit for gain.
    FRAUD = 7;
    /// Violence against many.
    TERROR = 8;
    /// What a body looks like afterwards.
    GORE = 9;
    /// To force sex, or children, on somebody.
    ABUSE = 10;
    /// To kill or injure.
    HURT = 11;
    /// To break into machines.
    HACK = 12;
    /// To take, smuggle, destroy.
    CRIME = 13;
    /// To watch or hunt a person.
    STALK = 14;
    /// To call a person worthless.
    INSULT = 15;
    /// To call people less than people.
    DEHUMAN = 16;
    /// To want a group gone.
    HATE = 17;
    /// People by origin, belief, body or love.
    GROUP = 18;
    /// What is not true and made to be believed.
    LIE = 19;
    /// Not being caught.
    EVADE = 20;
    /// Against the law, without leave.
    ILLEGAL = 21;
    /// What is taken.
    LOOT = 22;
    /// To make others want it.
    PROMOTE = 23;
    /// Bare, seductive.
    BARE = 24;
    /// To die.
    DIE = 25;
    /// To cut, starve, swallow.
    CUT = 26;
    /// Oneself.
    SELF = 27;
    /// Life, all of it.
    LIFE = 28;
    /// To end.
    END = 29;
    /// To cheat.
    CHEAT = 30;
    /// To keep from happening, to heal, to find out.
    PREVENT = 31;
    /// To study, report, tell, treat.
    STUDY = 32;
    /// What is hurt without harm.
    THING = 33;
    /// Somebody.
    TARGET = 34;
    /// To make or get.
    MAKE = 35;
    /// Directions.
    HOWTO = 36;
    /// To want, to be about to.
    WANT = 37;
    /// Not.
    NOT = 38;
    /// Who is spoken to.
    YOU = 39;
    /// At home, by hand.
    HOME = 40;
    /// Who speaks.
    I = 41;
    /// Who speaks, as what is done to.
    ME = 42;
}

/// All lists.
pub(crate) static WORDS: &[(Classes, &str)] = &[
    (
        SLUR,
        "nigger* nigga faggot* fagot fags kike kikes spic spics chink chinks gook gooks wetback* raghead* towelhead* tranny trannies \
         dyke dykes coon coons paki pakis retard retards golliwog shemale* kanake kanaken neger* judensau judenpack schwuchtel* zigeunerpack \
         untermensch* kümmeltürke* bougnoule* youpin* négro négresse* tarlouze* pédale pédé pédés bicot* sudaca* maricón maricones \
         bollera* negrata* panchito* moromierda",
    ),
    (
        SEX,
        "porn* pornograph* hentai xxx sexting blowjob* handjob* cum cumshot* fellatio cunnilingus dildo* cock pussy \
            threesome gangbang bdsm bondage incest bestiality hardcore erotic* nsfw smut orgy slut sluts whore* \
             fuck fucking fucked horny sexts \
         porno* ficken fickt gefickt titten möse schwanz muschi geil blasen wichsen erotisch* sexszene* nutte* hure huren \
         porno baise baiser sodomie érotique* bite chatte jouir branler pipe pute putes salope* \
         follar folla polla coño mamada correrse pornográfic* erótic* puta putas ",
    ),
    (
        MINOR,
        "child children kid kids minor minors underage teen teens teenage teenager* preteen* toddler* infant* schoolgirl* schoolboy* lolita loli shota jailbait \
         pedo pedophil* paedophil* prepubescent pubescent juvenile \
         kind kinder kindern minderjährig* schülerin schülerinnen schulmädchen kleinkind* jugendliche jugendlichen teenagerin \
         enfant enfants mineur mineure mineurs mineures adolescent* écolière* fillette* gamin gamine \
         niño niña niños niñas menor menores adolescente* colegiala* chiquilla",
    ),
    (
        SUICIDE,
        "suicide suicides suicidal selfharm unalive kms anorexia bulimia thinspo \
         suizid* selbstmord* selbstverletz* ritzen magersucht freitod \
         suicide* suicider suicidaire* scarification* automutil* anorexie \
         suicidio suicid* suicida* autolesion* autolesi* anorexia",
    ),
    (
        WEAPON,
        "bomb bombs bombing explosive* explosion* grenade* dynamite tnt c4 semtex ied ieds molotov napalm thermite detonator* detonat* landmine* gunpowder \
         gun guns firearm* rifle* pistol* silencer* ammunition machinegun* sarin vx tabun lewisite ricin anthrax botulinum \
         cyanide strychnine tetrodotoxin bioweapon* phosgene warhead* uranium plutonium weapon weapons weaponiz* pathogen* \
         smallpox ebola cholera toxin* arsenic \
         bombe bomben rohrbombe* sprengstoff* sprengsatz sprengsätze granate granaten schusswaffe* waffe waffen pistole gewehr giftgas nervengift rizin zünder schalldämpfer zyankali \
         explosif* grenade* arme armes fusil* pistolet* détonateur* silencieux ricine \
         bomba bombas explosivo* granada* arma armas pistola* rifle* detonador* ricina cianuro ántrax pólvora",
    ),
    (
        DRUG,
        "meth methamphetamine* cocaine heroin fentanyl mdma ecstasy lsd ketamine ghb rohypnol amphetamine* opioid* nitazene* crack dmt narcotic* \
         drug drugs steroids roofies pcp psilocybin opium \
         droge drogen kokain heroin amphetamin* rauschgift* koks \
         drogue drogues cocaïne héroïne méthamphétamine* stupéfiant* \
         droga drogas cocaína heroína metanfetamina* fentanilo estupefaciente*",
    ),
    (
        MALWARE,
        "malware ransomware keylogger* rootkit* botnet* trojan trojans spyware worm worms exploit exploits payload payloads backdoor* ddos phishing phish \
         shellcode 0day sqli xss cyberattack* cyberweapon* cryptojack* virus viruses stealer infostealer spoof* stalkerware \
         schadsoftware erpressungstrojaner* computervirus trojaner hintertür schadcode cyberangriff* \
         rançongiciel* hameçonnage maliciel* cyberattaque* \
         troyano* ransomware gusano ciberataque* malicioso",
    ),
    (
        FRAUD,
        "fraud fraudulent* scam scams scammer* scamming counterfeit* forge forged forgery forging launder* laundering embezzl* ponzi extort* \
         blackmail* bribe* bribery impersonat* fake fakes faked ransom skimming con swindl* darknet contraband \
         betrug betrügen betrüger* fälschen fälsch* gefälscht* geldwäsche erpress* bestech* schmiergeld* steuerhinterziehung falschgeld lösegeld abzocke* abzocken schwarzmarkt \
         fraude* frauder arnaque* arnaquer escroc* escroquerie* contrefa* falsifi* blanchi* blanchiment chantage extor* soudoy* rançon \
         estafa* estafar fraude* falsific* lavar lavado blanque* chantaje* extors* soborn* rescate desfalc*",
    ),
    (
        TERROR,
        "terroris* jihad* massacre* genocide* shooting shootings lynch* holocaust pogrom* arson bloodbath radicaliz* extremis* isis nazi* \
         terroranschlag* anschlag anschläge amoklauf* völkermord* massaker* lynchen brandstiftung \
         attentat* génocide* fusillade* tuerie* \
         atentado* genocidio* masacre* tiroteo* linch*",
    ),
    (
        GORE,
        "gore gory dismember* behead* decapitat* disembowel* mutilat* entrails guts intestines eviscerat* flay* flayed gouge* gouging bloodied corpse corpses severed snuff quartered skinned impale* \
         zerstückel* enthaupt* ausweiden eingeweide verstümmel* gehäutet leiche leichen \
         démembr* décapit* éventr* entrailles mutil* cadavre* boyaux \
         descuartiz* decapit* destrip* entrañas desoll* cadáver* vísceras",
    ),
    (
        ABUSE,
        "rape raped raping rapist* molest* grooming groom grope groping nonconsensual upskirt* traffick* prostitut* brothel coerce coercing enslav* csam sexualiz* sexualis* \
         vergewaltig* missbrauch* nötig* begrapsch* menschenhandel zwangsprostitution kinderporn* \
         viol viols violer violé* pédoporn* attouchement* proxénét* abuser \
         violar violación violaciones abusar abuso pederast* manosear proxenet* trata",
    ),
    (
        HURT,
        "umzubring* umgebracht auszupeitschen totschlagen \
         kill kills killing killed killer murder* stab stabbing stabbed strangle* strangling choke choking torture* torturing poison* slaughter* assassinat* maim* beat beating punch \
         shoot shot shooting hurt hurting harm harming attack attacks attacking injure* assault* violent violence bash smash execute* execution burn burning hang hanging drown drowning kidnap* abduct* slit \
         töten tötet getötet umbringen umbringe umbringt ermorden ermord* erstechen erstech* erwürg* foltern folter* vergiften vergift* erschießen erschieß* verprügeln verprügel* zusammenschlagen zusammenschlage verletzen entführ* gewalt schlachten aufschlitz* abstechen abknallen \
         tuer tue tué tués tuerai tueront assassin* poignard* étrangl* tortur* empoisonn* abattre frapper tabasser égorg* blesser kidnapp* enlever violence violences buter meurtre* \
         matar mata maté mataré matarte matarlo asesin* apuñal* estrangul* tortur* envenen* disparar golpear pegar degollar secuestr* herir violencia paliza",
    ),
    (
        HACK,
        "hack hacks hacking hacked hacker hijack* breach* crack cracking infiltrat* bypass* exfiltrat* deface* sabotag* tamper* jam jamming unauthoriz* unauthoris* intercept* wiretap* \
         hacken hackt hacke knacken manipulier* eindringen ausspähen umgehen abhören lahmlegen \
         pirater pirate piratage pirat* contourner infiltr* intercepter saboter craquer \
         hackear hackea piratear piratea vulnerar saltarse infiltrar* intercept* sabotear crackear",
    ),
    (
        CRIME,
        "auszurauben einzubrechen aufzubrechen \
         steal stealing steals stole stolen rob robbing robbery burgl* shoplift* smuggl* vandali* loot looting trespass* hotwire* counterfeit carjack* poach poaching traffick* destroy destroying murder crime crimes criminal criminals siphon pirate* tap hostage* swat swatting disrupt* overthrow \
         stehlen stiehlt stehle klauen gestohlen* ausrauben rauben einbrechen einbruch schmuggel* diebstahl verbrechen zerstör* plünder* überfall* aufbrechen \
         voler volé* cambriol* braqu* contreband* dérober piller crime crimes détruire vandalis* \
         robar roba robo robado* atracar atraco contraband* saque* crimen crímenes destruir hurtar",
    ),
    (
        STALK,
        "stalk* cyberstalk* dox doxx* doxing spy spying surveil* eavesdrop* harass* bully* bullies bullied cyberbully* intimidat* threaten* threat threats gaslight* manipulat* \
         stalken stalk* ausspionier* belästig* mobben mobb* drohen bedroh* drohbrief* einschüchter* überwachen \
         harcel* harcèl* espionn* traquer intimid* menac* \
         acos* acech* espiar amenaz* intimid* perseguir",
    ),
    (
        INSULT,
        "idiot idiots moron* imbecile* loser losers pathetic worthless scumbag* bitch bitches bastard* asshole* dumbass* dickhead* cunt cunts disgusting ugly pig pigs fatso trash garbage stupid dumb coward freak useless shithead* motherfucker* \
         insult* mock mocking ridicul* humiliat* belittl* demean* \
         idiot* arschloch arschlöcher wichser schlampe* missgeburt* hurensohn hurensöhne vollidiot* dumm dreckstück* drecksau abschaum fotze versager* hässlich wertlos* beleidig* demütig* erbärmlich* \
         connard* connasse* salaud* enculé* imbécile* abruti* crétin* débile* minable* ordure* raté nul nulle moche insulte* insulter humili* \
         idiota* imbécil* estúpid* cabrón* gilipollas hijoputa zorra basura inútil* asqueros* fracasad* fea feo pendej* insult* humill*",
    ),
    (
        DEHUMAN,
        "vermin subhuman* parasite* cockroach* inferior savages degenerat* plague filth filthy scum rats leech* leeches animals burden breed invaders \
         ungeziefer minderwertig* parasit* schmarotzer* ratten abschaum seuche pack gesindel tiere invasoren \
         vermine parasites cafards inférieur* racaille nuisibles envahisseurs rats \
         alimañas ratas parásitos cucarachas inferiores escoria plaga invasores",
    ),
    (
        HATE,
        "hate hates hated hatred despise exterminat* eradicat* deport deported gas gassed wipe racist racism sexist misogyn* antisemit* xenophob* homophob* bigot* slur slurs supremac* discriminat* segregat* inciting incite incites dehumaniz* stereotyp* \
         hass hasse hassen vernichten ausrotten vergasen abschieben verachte verachten rassist* sexist* fremdenfeindlich* hetze volksverhetz* vertreiben \
         haine hais haïr détest* extermin* déporter expulser raciste* sexiste* antisémit* racisme gazer éliminer \
         odio odiar odia extermin* deportar gasear erradicar racista* sexista* antisemit* despreci* aniquilar",
    ),
    (
        GROUP,
        "jew jews jewish muslim muslims christian christians hindu hindus blacks black asian asians immigrant* migrant* refugee* foreigner* gays gay lesbian* homosexual* transgender trans queer lgbt* women woman female disabled \
         disabilities mexicans arabs arab africans gypsies roma minority minorities ethnic* race races indigenous aboriginal elderly pakistani* \
         jude juden jüdisch* muslim* moslem* schwarze schwarzen ausländer* flüchtling* migranten einwanderer* schwule schwulen lesben homosexuelle* frauen behinderte* türken araber zigeuner minderheit* \
         juif juifs juive* musulman* noirs arabes immigré* réfugié* étranger* homosexuel* gays lesbiennes femmes handicapé* roms minorité* \
         judío* judía* musulman* negros inmigrante* refugiado* extranjero* homosexual* gays lesbianas mujeres discapacitad* gitano* árabes minoría*",
    ),
    (
        LIE,
        "misinformation disinformation propaganda conspiracy hoax defam* slander* libel* false falsely fabricat* rumor* rumors deepfake* debunked denies denial downplay* smear* mislead* misleading deceiv* decept* trick tricks tricking \
         falschnachricht* falschmeldung* lüge lügen verleumd* desinformation* verschwörung* täusch* \
         désinformation* mensonge* diffam* complot* rumeur* tromp* fausse fausses \
         desinformación mentira* difam* calumni* conspira* bulo bulos engañ* falsa falsas",
    ),
    (
        EVADE,
        "caught undetected undetectable untraceable untraced traceless trace evade evading evasion detection unnoticed secretly covertly suspicion suspected anonymously evidence traced \
         erwischt unbemerkt unentdeckt spurlos spuren spur unauffällig heimlich verwischen auffliegen \
         pincer repéré détecté traces indétectable discrètement soupçon* trace éveiller attraper \
         pillen atrapen descubran rastro indetectable sospech* rastreable detectado",
    ),
    (
        ILLEGAL,
        "illegal* illicit* unlawful* unlicensed consent permission forbidden banned criminally malicious maliciously unethical authorization \
         illegal* verboten* unerlaubt* zustimmung einwilligung \
         illégal* illicite* consentement autorisation interdit* \
         ilegal* ilícit* consentimiento permiso prohibid*",
    ),
    (
        LOOT,
        "identity identities password passwords card cards credentials database databases account accounts bank banks atm sensitive confidential personal data webcam camera network networks system systems wallet money website server servers election elections voting infrastructure software \
         passwort passwörter kreditkarte* konto konten bank datenbank* daten identität* netzwerk* geldautomat* \
         identité* carte cartes compte comptes banque* données réseau* distributeur \
         contraseña* identidad tarjeta* cuenta cuentas banco* datos red redes cajero*",
    ),
    (
        PROMOTE,
        "convince convincing persuade persuading persuasive encourage encourages encouraging promote promotes promoting glorif* normaliz* romanticiz* justif* incit* recruit* praise praises urging pressure pressuring lure luring manipulate entice \
         überred* überzeug* ermutig* verherrlich* anstift* animier* locken verleiten rekrutier* \
         convainc* persuad* encourag* glorifi* inciter incite recrut* attirer \
         convenc* persuad* anim* glorific* incit* reclut* atraer",
    ),
    (
        BARE,
        "penis vagina orgasm* masturbat* clitoris erection* intercourse fetish* sex sexual sexually sexy aroused explicit geschlechtsverkehr sexuell* onanieren sexe sexuel* pénis éjacul* sexo pene masturb* erotik* \
         naked nude nudes undress* topless breasts boobs tits nipples ass butt seduc* seductive lingerie stripping thong intimate genitals body \
         nackt nackte nackten nacktbild* ausziehen brüste busen arsch verführ* unterwäsche \
         nu nue nus nues déshabill* seins fesses sédui* lingerie \
         desnud* pechos tetas culo seduc* lencería",
    ),
    (
        DIE,
        "die dies dying dead death sterben stirb tot tod verrecke* krepier* mourir meurs mort crever crève morir muere muerto muerte",
    ),
    (
        CUT,
        "cut cutting overdose overdosing starve starving swallow pills wrists razor noose bridge hang jump purge purging \
         schneiden ritze pulsadern tabletten überdosis hungern erhängen brücke springen strick \
         couper veines cachets surdose pendre corde lame sauter \
         cortarme cortar venas pastillas sobredosis colgarme soga ahorcarme puente",
    ),
    (
        SELF,
        "myself self mich mir yourself matarme suicidarme lastimarme cortarme ahorcarme quitarme herirme moimême",
    ),
    (I, "i im ive my ich mein meinem meine je j mon ma yo mi mí"),
    (ME, "me m"),
    (LIFE, "life living alive live leben vie vivre vida vivir"),
    (
        END,
        "end ending finish over goodbye disappear beenden ende beende nehmen finir terminer disparaître adieu acabar terminar quitarme desaparecer",
    ),
    (
        CHEAT,
        "cheat cheating plagiari* doping breathalyzer exam fool schummel* spicken tricher triche copiar trampa*",
    ),
    (
        PREVENT,
        "worry worried concerned call calls relative sorge anrufen inquiet inquiète appeler preocupa preocupado llamar \
         prevent* prevention avoid protect* protection detect detecting defend* defence defense stop stopping fight fighting combat recogni* report reporting against remove removing recover recovery recovered survive surviving survivor* \
         counter treat treating treatment treatments cure cures therapy help support supporting rescue victim victims safe safely safety secure securing mitigat* patch antivirus disinfect* awareness helpline hotline counsel* condemn* deescalat* cope coping quit overcome \
         verhinder* vermeid* schütz* schutz erkenn* erkennung abwehr* melden bekämpf* entfern* behandl* heilen heilung hilfe helfen opfer vorbeug* prävention überleben beratungsstelle* sichern aufklär* \
         empêch* éviter évite protég* protection détecter détection défend* signaler lutter contre supprimer trait* soigner guérir aide aider victime* prévenir prévention survivre sécuris* sensibilis* \
         preven* evitar evita proteg* protección detect* defend* denunciar luchar combatir contra eliminar tratamiento* tratar curar ayuda ayudar víctima* sobreviv* prevención concienci*",
    ),
    (
        STUDY,
        "history historical study studies research* statistics novel movie film films book books documentary law laws legal education* science scientific medicine medical doctor* vaccin* definition meaning why when who museum journalis* news ethics philosoph* psycholog* sociolog* essay policy \
         symptom* causes effects war museum lecture curriculum biology chemistry police trial court convicted sentenced charity biblical bible shakespeare poem anatomy cell cells antibiotic* vaccination screening pregnancy contracepti* \
         geschichte historisch* studie* forschung statistik* roman film filme buch gesetz* recht bildung wissenschaft* medizin* arzt ärzte impf* bedeutung warum wann wer museum nachrichten polizei gericht ursache* symptom* wirkung verurteilt* krieg aufsatz unterricht verhütung schwanger* zelle zellen \
         histoire historique* étude* recherche* statistique* roman film livre loi lois droit éducation science* médecin* vaccin* définition pourquoi quand qui musée actualité* police tribunal cause causes symptôme* guerre condamné* grossesse cellule* \
         historia histórico* estudio* investigación estadística* novela película libro ley leyes derecho educación ciencia* medicina médico* vacuna* significado porqué cuándo quién museo noticia* policía tribunal causa causas síntoma* guerra condenad* embarazo célula*",
    ),
    (
        THING,
        "bath calorimeter calorimetry seed glue nerf squirt nail staple viren keim keimen erreger schach badebombe* bain baño \
         process processes thread threads task tasks job jobs daemon port container pod pods query connection session tab bacteria bacterium germs virus viruses cancer tumor tumour weed weeds mosquito* ants ant flies wasp* termite* mold mould fungus lice bedbug* aphid* \
         time mood vibe engine lights script scripts zombie zombies orc orcs monster monsters dragon dragons enemy enemies npc pawn king chess record records market game games level photo photos picture video film scene ball goal basket hoops selfie \
         bug bugs egg eggs cream drum drums traffic deadline deadlines exam interview workout calories fat price prices prose yeast plants \
         prozess prozesse prozesses task aufgabe bakterien keime unkraut mücken ameisen krebs zeit stimmung motor foto fotos drachen monster zombie* gegner läuse schimmel \
         processus tâche bactéries germes herbes moustiques fourmis cancer temps ambiance moteur photo photos dragon* monstre* puces moisissure \
         proceso procesos tarea bacterias gérmenes hierbas mosquitos hormigas cáncer tiempo ambiente motor foto fotos dragón monstruo* piojos moho",
    ),
    (
        TARGET,
        "him her them people person persons someone somebody everyone anybody neighbor* neighbour* wife husband girlfriend boyfriend ex boss coworker* colleague* teacher* classmate* student* school crowd family mother father brother sister victim president politician* senator mayor employee* customer* users user man men girl boy patient* guest* pet pets dog cat roommate* officer* civilians citizens public \
         ihn ihr ihm leute menschen person jemanden jemand nachbar* frau mann freundin freund chef kollege* kollegin lehrer* mitschüler* schule familie mutter vater bruder schwester hund katze passant* polizist* menge \
         lui eux gens personne personnes voisin* femme mari copine copain patron collègue* professeur* camarade* école famille mère père frère sœur chien chat foule passant* quelqu \
         él ella gente persona personas alguien vecino* vecina esposa marido novia novio jefe jefa compañero* profesor* escuela familia madre padre hermano hermana perro gato multitud",
    ),
    (
        MAKE,
        "herzustellen zuzubereiten anzubauen \
         make making build building create creating construct* synthes* manufactur* produce producing cook cooking assemble assembling brew brewing grow growing cultivat* culture extract extracting develop developing obtain* acquir* buy buying purchas* get getting sell selling order distribut* spread spreading write writing generate launch commit committing mix mixing \
         bauen baue baut herstellen herstell* stelle kochen koche züchten erstellen besorg* beschaffen kaufen verkaufen verbreit* begeh* schreib* mischen programmier* machen \
         fabriqu* construi* faire crée créer synthétis* cuisiner produire obtenir procurer acheter vendre diffus* commettre écri* mélang* programm* rédig* \
         fabric* constru* hacer hago crear sintetiz* cocinar producir obtener conseguir comprar vender difund* cometer escrib* mezcl* program*",
    ),
    (
        HOWTO,
        "how instructions instruct guide guides guidance tutorial tutorials steps step recipe manual blueprint methods method ways way tips advice plan template teach explain describe show outline detailed demonstrate provide strategy technique* formula \
         wie anleitung* schritt schritte rezept* bauplan tipps methode* plan erklär* zeig* beschreib* \
         comment guide étape étapes recette* conseils méthode* plan explique* montre* décri* tutoriel* instructions \
         cómo como guía* paso pasos receta* manual consejos método* plan explic* muestra* descri* tutorial* instrucciones",
    ),
    (
        WANT,
        "want wants wanna going gonna will should must wish lets need deserve deserves ought hope ready \
         will werde werden möchte sollte sollten muss müssen soll sollen verdient lasst \
         veux vais vas va allons devrait devraient dois doit doivent mérite* voudrais faut \
         quiero voy vamos debería deberían debe deben hay merece* quisiera",
    ),
    (
        NOT,
        "not no never dont without nicht kein keine nie ohne pas ne jamais sans no nunca sin",
    ),
    (
        YOU,
        "you your yourself u ur du dich dir dein deine deiner euch tu te toi ton ta vous votre tú tu ti te usted tus",
    ),
    (
        HOME,
        "homemade household kitchen garage backyard basement improvis* homebrew hausgemacht* zuhause haushalt* küche selbstgebaut* maison artisanal* ménager* casero* casera* caseros casa doméstic*",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::injection::lexicon::Lexicon;
    use crate::injection::tokens::tokens;
    use crate::normal::fold_text;

    #[test]
    fn every_word_of_the_lists_is_met_as_a_word() {
        let lexicon = Lexicon::new(WORDS);
        for (class, list) in WORDS {
            for word in list.split_whitespace() {
                let text = fold_text(word.trim_end_matches('*')).into_owned();
                let met = tokens(&text, &lexicon);
                assert!(met.len() == 1 && met[0].classes & class != 0, "{word}");
            }
        }
    }
}
