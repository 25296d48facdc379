//! Words that say what the number or name behind them is, in English, German, French, Spanish and, where ids are
//! concerned, the language of the country. Never decides by a word alone.

use crate::personal::text::hash_of;

/// What a word speaks of. Each has one bit.
pub(crate) mod about {
    /// Telephones.
    pub(crate) const PHONE: u64 = 1;
    /// A number of some kind.
    pub(crate) const NUMBER: u64 = 1 << 1;
    pub(crate) const CARD: u64 = 1 << 2;
    /// Bank accounts.
    pub(crate) const BANK: u64 = 1 << 3;
    /// Codes of banks.
    pub(crate) const BIC: u64 = 1 << 4;
    /// Ids that states give to people.
    pub(crate) const NATIONAL: u64 = 1 << 5;
    pub(crate) const TAX: u64 = 1 << 6;
    pub(crate) const PASSPORT: u64 = 1 << 7;
    /// Driving licences.
    pub(crate) const LICENCE: u64 = 1 << 8;
    /// Patients and their records.
    pub(crate) const PATIENT: u64 = 1 << 9;
    pub(crate) const BIRTH: u64 = 1 << 10;
    /// Where somebody lives.
    pub(crate) const ADDRESS: u64 = 1 << 11;
    /// Where on Earth something is.
    pub(crate) const PLACE: u64 = 1 << 12;
    /// Addresses of machines.
    pub(crate) const MACHINE: u64 = 1 << 13;
    /// Codes of the post.
    pub(crate) const POST: u64 = 1 << 14;
    /// Accounts of users.
    pub(crate) const USER: u64 = 1 << 15;
    /// Numbers that are of things: orders, versions, sizes.
    pub(crate) const THING: u64 = 1 << 16;
    /// Versions of software.
    pub(crate) const VERSION: u64 = 1 << 17;
    /// That somebody is ill: "diagnosed".
    pub(crate) const ILL: u64 = 1 << 18;
    /// Who somebody is, in the first or third person: my, his, patient, customer.
    pub(crate) const WHOSE: u64 = 1 << 19;

    /// Ids of one country each.
    pub(crate) const US: u64 = 1 << 20;
    pub(crate) const UK: u64 = 1 << 21;
    pub(crate) const DE: u64 = 1 << 22;
    pub(crate) const FR: u64 = 1 << 23;
    pub(crate) const ES: u64 = 1 << 24;
    pub(crate) const IT: u64 = 1 << 25;
    pub(crate) const NL: u64 = 1 << 26;
    pub(crate) const BE: u64 = 1 << 27;
    pub(crate) const PL: u64 = 1 << 28;
    pub(crate) const SE: u64 = 1 << 29;
    pub(crate) const NO: u64 = 1 << 30;
    pub(crate) const DK: u64 = 1 << 31;
    pub(crate) const FI: u64 = 1 << 32;
    pub(crate) const PT: u64 = 1 << 33;
    pub(crate) const CH: u64 = 1 << 34;
    pub(crate) const AT: u64 = 1 << 35;
    pub(crate) const CZ: u64 = 1 << 36;
    pub(crate) const RO: u64 = 1 << 37;
    pub(crate) const IN: u64 = 1 << 38;
    pub(crate) const BR: u64 = 1 << 39;
    pub(crate) const CA: u64 = 1 << 40;
    pub(crate) const AU: u64 = 1 << 41;
    pub(crate) const MX: u64 = 1 << 42;
    pub(crate) const ZA: u64 = 1 << 43;
    pub(crate) const KR: u64 = 1 << 44;
    pub(crate) const SG: u64 = 1 << 45;
    pub(crate) const TR: u64 = 1 << 46;
    pub(crate) const CN: u64 = 1 << 47;
    pub(crate) const JP: u64 = 1 << 48;
    pub(crate) const IL: u64 = 1 << 49;
    pub(crate) const HR: u64 = 1 << 50;
    pub(crate) const BG: u64 = 1 << 51;
    pub(crate) const GR: u64 = 1 << 52;
    pub(crate) const IE: u64 = 1 << 53;
    pub(crate) const CL: u64 = 1 << 54;
    pub(crate) const AR: u64 = 1 << 55;
    /// Ids of employers.
    pub(crate) const EIN: u64 = 1 << 56;

    /// The word "ID" itself, which says little alone.
    pub(crate) const ID: u64 = 1 << 57;

    /// Any id of a person.
    pub(crate) const ANY_ID: u64 = NATIONAL | TAX | PASSPORT | LICENCE | PATIENT;
}

/// What a word does where it stands.
pub(crate) mod part {
    /// Behind it a name follows: "my name is".
    pub(crate) const NAME: u32 = 1;
    /// Stands between such a word and the name: "is".
    pub(crate) const LINK: u32 = 1 << 1;
    /// Before a name: "Mrs".
    pub(crate) const TITLE: u32 = 1 << 2;
    /// Opens a letter: "Dear".
    pub(crate) const GREETING: u32 = 1 << 3;
    /// Closes a letter: "Sincerely".
    pub(crate) const CLOSING: u32 = 1 << 4;
    /// Between parts of a name: "van".
    pub(crate) const PARTICLE: u32 = 1 << 5;
    /// A month.
    pub(crate) const MONTH: u32 = 1 << 6;
    /// The last word of a street's name: "Street".
    pub(crate) const STREET: u32 = 1 << 7;
    /// The same, but many other things too: "Lake".
    pub(crate) const STREET_WEAK: u32 = 1 << 8;
    /// The first word of a street's name: "rue".
    pub(crate) const STREET_FIRST: u32 = 1 << 9;
    /// A part of a house: "Apt".
    pub(crate) const UNIT: u32 = 1 << 10;
    /// Capitalised, and no name.
    pub(crate) const NO_NAME: u32 = 1 << 11;
    /// I, or what goes with it: "soy".
    pub(crate) const SELF: u32 = 1 << 12;
    /// A country or a state.
    pub(crate) const LAND: u32 = 1 << 13;
    /// Between parts of a town's name: "upon".
    pub(crate) const IN_TOWN: u32 = 1 << 14;
    /// The last word of a street's name, in small letters too, with the number behind: "utca".
    pub(crate) const STREET_LAST: u32 = 1 << 15;
    /// Before a name and a colon: "Client:".
    pub(crate) const FIELD: u32 = 1 << 18;
    /// "this", before "is".
    pub(crate) const THIS: u32 = 1 << 19;
    /// A condition of health: "asthma".
    pub(crate) const CONDITION: u32 = 1 << 20;
    /// The first word of a street's name, but many other things too: "place".
    pub(crate) const FIRST_WEAK: u32 = 1 << 17;
    /// Where the address at a box of the post may begin: "Postfach".
    pub(crate) const BOX: u32 = 1 << 16;
}

use about as a;

/// Words about what stands near them.
const ABOUT: &[(u64, &str)] = &[
    (
        a::PHONE,
        "contact contacts reach answer answering messages messaging kontakt contacto contato phone phones telephone tel mobile cell cellphone cellular fax whatsapp dial sms landline hotline call calls ring \
        telefon telefonnummer rufnummer handy handynummer mobilnummer mobil festnetz anrufen anruf rufen ruf faxnummer durchwahl erreichbar \
        téléphone telephoner téléphoner tél portable appeler appelez appelle-moi joindre joignable fixe telecopie télécopie \
        teléfono telefono móvil movil celular llamar llame llámame llámeme llamada \
        telefone ligue ligar cellulare chiama chiamare chiamami telefoonnummer telefoon mobiel bel bellen telefonu telefonnr phoneno phonenumber tlf puhelin telefonszám",
    ),
    (
        a::NUMBER,
        "number numbers no nr num numero número numéro nummer nº n° text message erreichen unter numer",
    ),
    (a::ID, "id ids identifier"),
    (
        a::CARD,
        "card cards visa mastercard amex discover maestro pay payment charge charged credit debit creditcard cardnumber ccnum cc cvv cvc expiry jcb diners \
        kreditkarte kreditkartennummer karte kartennummer carte bancaire tarjeta crédito débito cartão cartao carta creditcardnummer kaart pan",
    ),
    (
        a::BANK,
        "iban account bank banking wire konto kontonummer bankverbindung überweisung überweisen compte virer virement rib cuenta \
        transferencia conta conto bonifico rekening rekeningnummer overmaken routing acct accountnumber",
    ),
    (a::BIC, "bic swift swiftcode bankleitzahl"),
    (
        a::NATIONAL,
        "national identity identification citizen identité identidad identidade identità identiteit ausweis ausweisnummer personalausweis idnumber \
        nationalid govt government resident cédula cedula carnet kennnummer personal-id identifikationsnummer documento personnel",
    ),
    (
        a::NATIONAL | a::US,
        "ssn social socialsecurity socialsecuritynumber",
    ),
    (
        a::TAX,
        "tax taxpayer tin itin steuernummer steuer fiscal fiscale impuesto vat imposition contribuyente taxid taxnumber",
    ),
    (a::TAX | a::EIN, "ein fein"),
    (
        a::PASSPORT,
        "passport passports passportnumber passportno reisepass passnummer passeport pasaporte passaporte passaporto paspoort paspoortnummer paszport",
    ),
    (
        a::LICENCE,
        "licence license licences licenses driver drivers driving dl driverslicense driverlicense führerschein führerscheinnummer permis conduire conducir rijbewijs patente cnh carteira",
    ),
    (
        a::PATIENT,
        "mrn patient patients medical healthcare hospital insurance insured policyholder krankenversicherung versichertennummer krankenversichertennummer patientin patientennummer \
        patienten patienten-id patientenakte fallnummer krankenakte krankenaktennummer expediente clínica médical patiente dossier paciente historia medicare medicaid beneficiary member prescription chart ehr emr mbi npi dea",
    ),
    (
        a::BIRTH,
        "dob born birth birthday birthdate dateofbirth birthdays geboren geburtsdatum geburtstag geb née né naissance nací nació nacer anniversaire compleanno aniversário narozen narozena narození urodziny fødselsdato födelsedatum nacido nacida nacimiento cumpleaños nascimento nascido nascida \
        nato nata nascita geboortedatum urodzony urodzenia född født syntynyt",
    ),
    (
        a::ADDRESS,
        "address addresses live lives living lived residing resides residence reside home house ship shipping delivery deliver delivered billing mailing located street \
        adresse anschrift wohne wohnt wohnhaft wohnen lieferadresse habite habitant domicile domicilié résidence livraison dirección direccion vivo vive domicilio residencia \
        indirizzo abito abita risiede residente residenza domiciliato domiciliata endereço endereco moro mora morada reside woon woont woonachtig wonende woonplaats adres straße strasse postal zip zipcode postcode mail send move moved visit visiting office offices \
        wohnsitz gemeldet ansässig rechnungsadresse domiciliée demeurant demeure habitant domiciliado domiciliada vivimos viven vivono mieszka mieszkam zamieszkały zamieszkała zamieszkania adresem \
        bor adressen bostadsadress hemadress bopæl bopel asuu osoite bydlištěm bydliště lakcím",
    ),
    (a::POST, "zip zipcode postcode postleitzahl plz postal pincode"),
    (
        a::PLACE,
        "latitude longitude lat lon lng long latlng latlong coordinates coordinate coords coord gps geolocation geo location position koordinaten standort breitengrad längengrad coordonnées coordenadas latitud longitud ubicación",
    ),
    (
        a::MACHINE,
        "ip ips ipv4 ipv6 ipaddress host hostname server client addr address remote login logged from ping dns gateway subnet peer adresse dirección src dst",
    ),
    (a::USER, "username userid screenname nickname benutzername"),
    (
        a::THING,
        "order orders invoice invoices ticket tracking serial build commit job isbn issn issue part sku ref reference flight gate page pages amount total population \
        timestamp epoch size bytes port line lines model hash checksum sha sha256 sha1 md5 uuid guid error errno exit pid process thread chapter section figure table item items product \
        bestellung bestellnummer auftrag auftragsnummer rechnung rechnungsnummer seriennummer artikelnummer sendungsnummer vorgang commande facture colis suivi référence série \
        pedido factura seguimiento serie referencia ordine fattura shipment parcel barcode upc ean asin case batch lot imei imsi vin transaction request session trace span row column index offset \
        price cost usd eur gbp dollars euros version versions release v rfc ranking score votes views count seed random",
    ),
    (
        a::VERSION,
        "version versions v ver release releases upgrade upgraded build assembly assemblyversion fileversion section chapter rfc oid snmp kernel chrome safari firefox mozilla gecko applewebkit edg edge opr oidc openssl",
    ),
    (
        a::WHOSE,
        "my his her our their patient customer client employee applicant i me he she meine mein seine ihre ich er sie patientin mon ma son sa je il elle mi su mis yo él ella paciente patiënt paziente sohn tochter fils fille hijo hija son daughter wife husband mother father",
    ),
    (
        a::ILL,
        "diagnosed diagnosis diagnoses suffer suffers suffering suffered afflicted hospitalized hospitalised \
        leide leidet leidest leiden litt diagnose diagnostiziert erkrankt erkrankung vorerkrankung vorerkrankungen festgestellt \
        souffre souffrant souffert diagnostic diagnostiqué diagnostiquée atteint atteinte antécédents \
        padezco padece padecía sufro sufre diagnóstico diagnosticado diagnosticada antecedentes soffro soffre diagnosi affetto affetta sofro diagnosticaram lijd lijdt gediagnosticeerd",
    ),
    (a::NATIONAL | a::UK, "nhs nino nino: insurance"),
    (
        a::NATIONAL | a::DE,
        "steuer-id steuerid steueridentifikationsnummer idnr identifikationsnummer personalausweisnummer sozialversicherungsnummer",
    ),
    (a::NATIONAL | a::FR, "insee sécu secu sécurité nir"),
    (a::NATIONAL | a::ES, "dni nie nif cif"),
    (a::NATIONAL | a::IT, "codice codicefiscale"),
    (a::NATIONAL | a::NL, "bsn burgerservicenummer sofinummer"),
    (
        a::NATIONAL | a::BE,
        "rijksregisternummer rijksregister niss insz registre",
    ),
    (a::NATIONAL | a::PL, "pesel nip regon"),
    (a::NATIONAL | a::SE, "personnummer samordningsnummer"),
    (a::NATIONAL | a::NO, "fødselsnummer fodselsnummer"),
    (a::NATIONAL | a::DK, "cpr cpr-nummer"),
    (a::NATIONAL | a::FI, "hetu henkilötunnus"),
    (a::NATIONAL | a::PT, "contribuinte niss"),
    (a::NATIONAL | a::CH, "ahv avs ahv-nummer"),
    (
        a::NATIONAL | a::AT,
        "svnr sv-nummer sozialversicherung versicherungsnummer",
    ),
    (a::NATIONAL | a::CZ, "rodné rodne rč číslo cislo"),
    (a::NATIONAL | a::RO, "cnp"),
    (a::NATIONAL | a::IN, "aadhaar aadhar uidai pan"),
    (a::NATIONAL | a::BR, "cpf cnpj rg"),
    (a::NATIONAL | a::CA, "sin nas"),
    (a::NATIONAL | a::AU, "tfn abn medicare"),
    (a::NATIONAL | a::MX, "curp rfc: nss"),
    (a::NATIONAL | a::ZA, "rsa-id south-african"),
    (a::NATIONAL | a::KR, "rrn 주민등록번호 주민번호"),
    (a::NATIONAL | a::SG, "nric fin"),
    (a::NATIONAL | a::TR, "tckn kimlik"),
    (a::NATIONAL | a::CN, "身份证 身份证号 身份证号码"),
    (a::NATIONAL | a::JP, "マイナンバー 個人番号"),
    (a::NATIONAL | a::IL, "teudat zehut"),
    (a::NATIONAL | a::HR, "oib"),
    (a::NATIONAL | a::BG, "egn егн"),
    (a::NATIONAL | a::GR, "amka afm"),
    (a::NATIONAL | a::IE, "pps ppsn"),
    (a::NATIONAL | a::CL, "rut run"),
    (a::NATIONAL | a::AR, "cuit cuil"),
    (
        a::PHONE,
        "电话 手机 手机号 电话号码 携帯 電話 電話番号 전화 전화번호 телефон тел",
    ),
];

use part as p;

/// Words that do something where they stand.
const PARTS: &[(u32, &str)] = &[
    (
        p::NAME,
        "name named names fullname firstname lastname surname heiße heisse heiß namens vorname nachname appelle nomme prénom prenom nom llamo llama nombre apellido apellidos \
        chiamo nome cognome sobrenome chamo naam heet imię imie nazwisko nazywam heter hedder namn navn nimi nimeni jmenuji jméno příjmení keresztnév nevem numele \
        patientin patiente patiënt pacjent pacjentka paciente paziente cliente kund kunde kundin klient klientka klant titular pacienta kontoinhaber kontoinhaberin kontoinnehavare rekeninghouder titolare titulaire intestatario versicherte versicherter patient employee customer applicant beneficiary cardholder accountholder patientname customername username",
    ),
    (
        p::LINK,
        "się sie mig meg mi to jest är er on mam na heter me is are was ist lautet est es é e è su of on the full first last und mr by",
    ),
    (p::SELF, "am i'm soy sono sou ben bin suis jestem jsem olen jag"),
    (p::THIS, "this pan heer"),
    (
        p::FIELD,
        "client user usuario utente gebruiker contact attn attention recipient sender receiver owner holder student teacher manager author signed signatory witness tenant landlord guest driver \
        employee mitarbeiter mitarbeiterin empleado empleada employé dipendente medewerker pracownik ansprechpartner empfänger absender destinataire expéditeur destinatario remitente destinatário mittente ontvanger afzender odbiorca nadawca \
        från till from to cc by von an de para per firmado firmato assinado undertecknat podpisano podpis getekend gezeichnet signé unterzeichnet caller participant attendee member insured doctor physician arzt ärztin médecin médico \
        nurse contractor tutor parent guardian spouse hi hello hey hallo hei hej hola ciao bonjour salut olá oi cześć payee payer beneficiary director",
    ),
    (
        p::TITLE,
        "mr mrs ms miss mx dr prof professor herr herrn frau dipl mme mlle monsieur madame sr sra srta señor señora don doña sig dott doctor signor signora signorina dottoressa dott.ssa ssa senhor senhora doutor doutora señorita meneer mevrouw mevr dhr mw heer fröken fru frau fräulein hr frk pani pana panu panią pana pán paní ing mgr judr mudr mag avv maître docteur \
        domnul doamna rouva neiti",
    ),
    (
        p::GREETING,
        "dear liebe lieber geehrte geehrter geehrten cher chère estimado estimada querido querida gentile caro cara beste prezado prezada kära käre kjære kære drogi droga szanowny szanowna vážený vážená milý milá drahý hyvä rakas kedves dragă stimate geachte lieve caríssimo",
    ),
    (
        p::CLOSING,
        "sincerely regards yours cheers thanks respectfully grüßen grüße gruß cordialement salutations saludos atentamente atenciosamente cordialmente groeten groet saluti signed gezeichnet signé firmado hälsningar hilsen poważaniem pozdrawiam pozdrowieniami pozdravem terveisin üdvözlettel tisztelettel assinado undertecknat podpisano getekend firmato cumprimentos abraços amicalement bisous vriendelijke hoogachtend best",
    ),
    (
        p::PARTICLE,
        "de del della delle dello dell degli dei di da dos das do op 't ten af av van von der den zu la le los las el bin ibn al ter ten y du des",
    ),
    (
        p::STREET,
        "street st road rd avenue ave av lane ln boulevard blvd drive dr court ct place pl square sq terrace ter crescent cres highway hwy parkway pkwy way circle cir close mews alley marg chowk trail trl turnpike expressway freeway",
    ),
    (
        p::STREET_WEAK,
        "alley annex arcade bayou beach bend bluff bluffs bottom branch bridge brook brooks burg burgs bypass camp canyon cape causeway center centers circles cliff cliffs club common commons corner corners course \
        courts cove coves creek crest crossing crossroad crossroads curve dale dam divide drives estate estates extension extensions fall falls ferry field fields flat flats ford fords forest forge forges fork forks fort gardens garden \
        gateway glen glens green greens grove groves harbor harbors haven heights hill hills hollow inlet island islands isle junction junctions key keys knoll knolls lake lakes land landing light lights loaf lock locks lodge loop mall manor manors \
        meadow meadows mill mills mission motorway mount mountain mountains neck orchard oval overpass park parks pass passage path pike pine pines plain plains plaza point points port ports prairie radial ramp ranch rapid rapids rest ridge ridges river \
        roads route row rue run shoal shoals shore shores skyway spring springs spur spurs squares station stravenue stream streets summit throughway trace track trafficway tunnel underpass union unions valley valleys via viaduct view views village \
        villages ville vista walk walks wall ways well wells gate rise esplanade approach parade promenade quadrant wynd nook dell chase edge nagar ganj zila colony enclave vihar",
    ),
    (
        p::STREET_FIRST,
        "rue avenue boulevard chemin place allée allee impasse quai route cours square passage faubourg \
        calle c avenida avda av plaza paseo camino carretera ronda travesía travesia callejón callejon rambla alameda pasaje pasadizo cuesta cañada glorieta acceso urbanización urbanizacion vial via sentier résidence lotissement \
        viale piazza corso vicolo largo strada piazzale contrada rua travessa rodovia praça praca estrada ladeira rotonda canale lungomare borgo ul ulica al aleja aleje os osiedle pl plac \
        ulice náměstí nám třída str strada bd bulevardul calea aleea trg cesta",
    ),
    (
        p::STREET_FIRST | p::FIRST_WEAK,
        "place square route passage cours via c al camino strada corso plaza aeroporto área campo chácara colônia condomínio conjunto distrito esplanada estação fazenda feira jardim lago lagoa loteamento morro \
        núcleo parque passarela pátio quadra recanto residencial setor sítio trecho trevo vale vereda viaduto viela vila beco quinta bairro",
    ),
    (
        p::STREET_LAST,
        "utca út útja tér körút sétány iela gatvė tänav katu tie ulica ulice cesta trg straße strasse str. straat laan gata gatan väg vägen vei veien vej gade allé sokak caddesi",
    ),
    (
        p::BOX,
        "p po pobox post gpo locked private postfach postbus postboks postbox apartado apdo caixa casella skrytka boîte bp psc",
    ),
    (
        p::IN_TOWN,
        "new old great on upon under by the am an im in bei ob der vor a m sur sous lès les lez en aux nad pod na v i od do nel nella sul sulla di a e och i på",
    ),
    (
        p::LAND,
        "usa us uk uae america states kingdom england scotland wales ireland britain germany deutschland allemagne alemania austria österreich switzerland schweiz suisse svizzera france frankreich francia spain españa spanien espagne \
        portugal italy italia italien italie netherlands nederland niederlande holland belgium belgië belgique belgien luxembourg luxemburg denmark danmark dänemark sweden sverige schweden norway norge norwegen finland suomi iceland ísland \
        poland polska polen pologne polonia czechia republic hungary magyarország ungarn slovakia slovensko slovenia slovenija croatia hrvatska serbia romania românia bulgaria greece cyprus malta estonia eesti latvia latvija lithuania lietuva \
        greenland ukraine russia turkey türkiye india bharat china japan korea singapore malaysia indonesia thailand vietnam philippines pakistan bangladesh israel egypt morocco nigeria kenya africa australia zealand canada mexico méxico \
        brazil brasil argentina chile colombia peru perú uruguay ecuador bolivia paraguay venezuela rica panama cuba guatemala emirates arabia qatar lanka nepal \
        alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana \
        nebraska nevada hampshire jersey ohio oklahoma oregon pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming dakota carolina ontario quebec québec alberta manitoba saskatchewan \
        bayern hessen sachsen brandenburg thüringen niedersachsen kent essex sussex surrey norfolk suffolk devon cornwall dorset somerset yorkshire lancashire cheshire derbyshire hertfordshire oxfordshire cambridgeshire \
        queensland tasmania maharashtra karnataka gujarat rajasthan kerala punjab haryana telangana bihar assam odisha",
    ),
    (
        p::UNIT,
        "apt apartment suite ste unit flat level studio floor room rm bldg building block tower box lot appartement appt apto apartamento piso puerta pta planta bajo portal esc escalera bloco bloque etage étage stock bât bâtiment wohnung whg \
        interno int scala lokal lok lgh byt bus plot shop sector phase",
    ),
    (
        p::CONDITION,
        "asthma diabetes diabetic cancer leukemia leukaemia lymphoma melanoma tumor tumour depression schizophrenia bipolar epilepsy epileptic hiv aids hypertension hepatitis tuberculosis cirrhosis dementia alzheimer alzheimer's parkinson parkinson's \
        sclerosis arthritis osteoporosis psoriasis eczema fibromyalgia endometriosis migraine migraines anorexia bulimia adhd autism autistic ptsd ocd insomnia alcoholism chlamydia gonorrhea syphilis herpes anemia anaemia hemophilia lupus copd pneumonia stroke \
        infertility miscarriage hypothyroidism hyperthyroidism glaucoma gout angina arrhythmia thrombosis celiac crohn crohn's covid disorder \
        brustkrebs krebs lungenkrebs prostatakrebs darmkrebs leukämie depressionen schizophrenie epilepsie bluthochdruck hypertonie tuberkulose demenz sklerose arthrose rheuma schuppenflechte migräne magersucht autismus adhs schlaganfall herzinfarkt \
        lungenentzündung blutarmut angststörung borderline zöliakie schilddrüsenunterfunktion alkoholsucht \
        asthme diabète dépression schizophrénie épilepsie vih sida hypertension hépatite tuberculose démence sclérose arthrite arthrose psoriasis migraine anorexie boulimie autisme insomnie leucémie lymphome mélanome tumeur anémie avc infarctus pneumonie bipolaire \
        asma cáncer depresión esquizofrenia epilepsia sida hipertensión tuberculosis demencia esclerosis artritis artrosis psoriasis migraña anorexia autismo insomnio leucemia linfoma melanoma anemia ictus infarto neumonía alzhéimer párkinson \
        cancro depressione schizofrenia ipertensione epatite sclerosi artrite câncer depressão esquizofrenia hipertensão hepatite borstkanker depressie schizofrenie",
    ),
    (
        p::NO_NAME,
        "the this that these those what when where why who how and or but if then there here please sir madam team all everyone customer support service hiring manager i my your our his her its it we you they he she \
        monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday welcome hello hi thank thanks not also can could would should will do does did is are was were be been has have had \
        ich sie wir ihr das die der den dem ein eine und oder bitte guten tag damen herren kunde je vous nous le la les un une et ou merci bonjour tout tous client el los las una uno y o por favor hola todos cliente \
        no yes ja nein oui non sí true false null none undefined string int integer date address phone email number account order card id ssn dob age gender street city state zip country company title subject message \
        happy sad sorry glad looking writing trying working interested sure new old good great best first last next other here in on at to for from of with by as an a so because since while after before \
        mobby reader readers friend friends colleague colleagues sirs valued recruiter committee member members user users editor santa diary god lord father mother mom mum dad grandma grandpa president king queen prince princess",
    ),
];

/// January to December, in all languages.
const MONTHS: [&str; 12] = [
    "january jan januar jänner janvier enero gennaio janeiro januari januari",
    "february feb februar février fév febrero febbraio fevereiro februari",
    "march mar märz mär mars marzo março maart",
    "april apr avril abril aprile",
    "may mai mayo maggio maio mei",
    "june jun juni juin junio giugno junho",
    "july jul juli juillet julio luglio julho",
    "august aug août agosto augustus",
    "september sep sept septembre septiembre settembre setembro",
    "october oct oktober okt octobre octubre ottobre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc diciembre dicembre dezembro",
];

/// What is known of one word.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    pub(crate) about: u64,
    pub(crate) parts: u32,
}

impl Known {
    pub(crate) const fn does(self, part: u32) -> bool {
        self.parts & part != 0
    }
}

/// All these words, by hash. Words of one hash are one word: what follows is a context too many, once in 2⁶⁴.
pub(crate) struct Words {
    /// A power of two of places; the hash of each, or zero.
    hashes: Vec<u64>,
    known: Vec<Known>,
    /// One bit for each of so many values of a hash's end: most words are none of these, and need no more than this.
    filter: Vec<u64>,
}

const PLACES: usize = 8_192;
const FILTER_WORDS: usize = 1_024;

impl Words {
    pub(crate) fn new() -> Self {
        let mut words = Self {
            hashes: vec![0; PLACES],
            known: vec![Known::default(); PLACES],
            filter: vec![0; FILTER_WORDS],
        };
        for (about, list) in ABOUT {
            for word in list.split_whitespace() {
                words.add(
                    word,
                    Known {
                        about: *about,
                        parts: 0,
                    },
                );
            }
        }
        for (parts, list) in PARTS {
            for word in list.split_whitespace() {
                words.add(
                    word,
                    Known {
                        about: 0,
                        parts: *parts,
                    },
                );
            }
        }
        for word in MONTHS.iter().flat_map(|list| list.split_whitespace()) {
            words.add(
                word,
                Known {
                    about: 0,
                    parts: p::MONTH,
                },
            );
        }
        words
    }

    fn add(&mut self, word: &str, known: Known) {
        let hash = hash_of(word);
        if let Some(bits) = self.filter.get_mut(hash as usize / 64 % FILTER_WORDS) {
            *bits |= 1 << (hash % 64);
        }
        let place = self.place(hash);
        if let (Some(slot), Some(known_there)) = (self.hashes.get_mut(place), self.known.get_mut(place)) {
            *slot = hash;
            known_there.about |= known.about;
            known_there.parts |= known.parts;
        }
    }

    /// Where the word of this hash is, or would be.
    fn place(&self, hash: u64) -> usize {
        let mut place = (hash >> 40) as usize % PLACES;
        while self
            .hashes
            .get(place)
            .is_some_and(|there| *there != 0 && *there != hash)
        {
            place = (place + 1) % PLACES;
        }
        place
    }

    /// What is known of the word of this hash.
    #[inline]
    pub(crate) fn get(&self, hash: u64) -> Known {
        let bits = self
            .filter
            .get(hash as usize / 64 % FILTER_WORDS)
            .copied()
            .unwrap_or(0);
        match bits >> (hash % 64) & 1 {
            0 => Known::default(),
            _ => self.known.get(self.place(hash)).copied().unwrap_or_default(),
        }
    }
}
