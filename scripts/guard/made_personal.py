#!/usr/bin/env python3
"""Makes labelled texts with streets, names, dates of birth and records of patients, to judge the guard of personal data by.

    pip install faker mimesis
    scripts/guard/made_personal.py --values mimesis > made.jsonl
    bartizan guard eval made.jsonl --guard personal --by source

Values are from one of two generators, sentences are written here, so that what is measured are forms, not lists of names. The
guard's lists hold names that Faker has: judge names by mimesis. Nothing that is made is anybody's.
"""

import argparse
import json
import random

LOCALES = {
    "en_US": ("en", "en"), "en_GB": ("en", "en-gb"), "en_AU": ("en", "en-au"), "en_IN": ("en", None), "de_DE": ("de", "de"),
    "fr_FR": ("fr", "fr"), "es_ES": ("es", "es"), "it_IT": ("it", "it"), "nl_NL": ("nl", "nl"), "pl_PL": ("pl", "pl"),
    "pt_PT": ("pt", "pt"), "pt_BR": ("pt", "pt-br"), "sv_SE": ("sv", "sv"), "da_DK": ("da", "da"), "cs_CZ": ("cs", "cs"),
}

# Around an address: with a word that announces one, and without.
ADDRESS = {
    "en": ["I live at {}.", "Please ship the parcel to {} before Friday.", "Address: {}", "She moved to {} last year.", "The flat at {} is for rent.", "Invoice for\n{}\n\nThank you."],
    "de": ["Ich wohne in {}.", "Bitte liefern Sie an {}.", "Anschrift: {}", "Herr Kunz, wohnhaft {}, erscheint nicht.", "Das Haus {} steht leer.", "Rechnung an\n{}\n\nDanke."],
    "fr": ["J'habite au {}.", "Merci de livrer au {}.", "Adresse : {}", "Domicilié {}, il ne répond pas.", "L'appartement du {} est à louer.", "Facture pour\n{}\n\nMerci."],
    "es": ["Vivo en {}.", "Envíen el paquete a {}.", "Dirección: {}", "Domiciliado en {}, no contesta.", "El piso de {} se alquila.", "Factura para\n{}\n\nGracias."],
    "it": ["Abito in {}.", "Spedite il pacco a {}.", "Indirizzo: {}", "Residente in {}, non risponde.", "L'appartamento di {} è in affitto.", "Fattura per\n{}\n\nGrazie."],
    "nl": ["Ik woon op {}.", "Stuur het pakket naar {}.", "Adres: {}", "Woonachtig te {}, hij antwoordt niet.", "Het huis {} staat leeg.", "Factuur voor\n{}\n\nBedankt."],
    "pl": ["Mieszkam: {}.", "Proszę wysłać paczkę: {}.", "Adres: {}", "Zamieszkały {}, nie odpowiada.", "Mieszkanie {} jest puste.", "Faktura dla\n{}\n\nDziękuję."],
    "pt": ["Moro em {}.", "Envie a encomenda para {}.", "Morada: {}", "Residente em {}, não responde.", "O apartamento de {} está livre.", "Fatura para\n{}\n\nObrigado."],
    "sv": ["Jag bor på {}.", "Skicka paketet till {}.", "Adress: {}", "Bosatt på {}, svarar inte.", "Huset {} är tomt.", "Faktura till\n{}\n\nTack."],
    "da": ["Jeg bor på {}.", "Send pakken til {}.", "Adresse: {}", "Bopæl: {}.", "Huset {} er tomt.", "Faktura til\n{}\n\nTak."],
    "cs": ["Bydlím na adrese {}.", "Pošlete balík na {}.", "Adresa: {}", "Bydliště: {}.", "Dům {} je prázdný.", "Faktura pro\n{}\n\nDěkuji."],
}
# Around a name, by what announces it.
NAME = {
    "en": ["My name is {}.", "Patient: {}", "Mr {} has called.", "Dear {},\nthank you.", "Kind regards,\n{}", "This is {} speaking.", "Employee name: {}", "The account holder is {}.", "Signed by {}", "I spoke with Dr. {} today."],
    "de": ["Ich heiße {}.", "Patient: {}", "Herr {} hat angerufen.", "Liebe {},\ndanke.", "Mit freundlichen Grüßen\n{}", "Mein Name ist {}.", "Kunde: {}", "Kontoinhaber: {}", "Gezeichnet: {}", "Frau {} kommt morgen."],
    "fr": ["Je m'appelle {}.", "Patient : {}", "Monsieur {} a appelé.", "Cher {},\nmerci.", "Cordialement,\n{}", "Mon nom est {}.", "Client : {}", "Titulaire : {}", "Signé : {}", "Madame {} viendra demain."],
    "es": ["Me llamo {}.", "Paciente: {}", "El señor {} ha llamado.", "Querido {},\ngracias.", "Atentamente,\n{}", "Mi nombre es {}.", "Cliente: {}", "Titular: {}", "Firmado: {}", "La Sra. {} vendrá mañana."],
    "it": ["Mi chiamo {}.", "Paziente: {}", "Il signor {} ha chiamato.", "Caro {},\ngrazie.", "Cordiali saluti,\n{}", "Il mio nome è {}.", "Cliente: {}", "Intestatario: {}", "Firmato: {}", "La Dott.ssa {} arriva domani."],
    "nl": ["Ik heet {}.", "Patiënt: {}", "De heer {} heeft gebeld.", "Beste {},\ndank je.", "Met vriendelijke groet,\n{}", "Mijn naam is {}.", "Klant: {}", "Rekeninghouder: {}", "Getekend: {}", "Mevrouw {} komt morgen."],
    "pl": ["Nazywam się {}.", "Pacjent: {}", "Pan {} dzwonił.", "Drogi {},\ndziękuję.", "Z poważaniem,\n{}", "Mam na imię {}.", "Klient: {}", "Imię i nazwisko: {}", "Podpisano: {}", "Pani {} przyjdzie jutro."],
    "pt": ["Chamo-me {}.", "Paciente: {}", "O senhor {} telefonou.", "Prezado {},\nobrigado.", "Atenciosamente,\n{}", "Meu nome é {}.", "Cliente: {}", "Titular: {}", "Assinado: {}", "A Sra. {} vem amanhã."],
    "sv": ["Jag heter {}.", "Patient: {}", "Herr {} har ringt.", "Kära {},\ntack.", "Med vänliga hälsningar\n{}", "Mitt namn är {}.", "Kund: {}", "Kontoinnehavare: {}", "Undertecknat: {}", "Fru {} kommer i morgon."],
}
# Names without a word that announces them.
BARE = {
    "en": ["Yesterday {} sent the contract back.", "We gave the keys to {} and left.", "The invoice of {} is overdue."],
    "de": ["Gestern hat {} den Vertrag geschickt.", "Die Rechnung von {} ist offen."],
    "fr": ["Hier {} a renvoyé le contrat.", "La facture de {} est impayée."],
    "es": ["Ayer {} devolvió el contrato.", "La factura de {} está pendiente."],
    "it": ["Ieri {} ha mandato il contratto.", "La fattura di {} è scaduta."],
    "nl": ["Gisteren stuurde {} het contract.", "De rekening van {} is open."],
    "pl": ["Wczoraj {} odesłał umowę.", "Rachunek dla {} czeka."],
    "pt": ["Ontem {} devolveu o contrato.", "A fatura de {} venceu."],
    "sv": ["Igår skickade {} avtalet.", "Fakturan till {} är förfallen."],
}
BIRTH = {
    "en": ["DOB: {}", "She was born on {}.", "Date of birth: {}", "my birthday is {}", "Patient, born {}, is stable.", "d.o.b. {}", "birth date = {}"],
    "de": ["Geburtsdatum: {}", "geboren am {}", "geb. {}", "Er wurde am {} geboren.", "Mein Geburtstag ist der {}.", "Geb.-Datum: {}"],
    "fr": ["Date de naissance : {}", "né le {}", "Elle est née le {}.", "Mon anniversaire est le {}.", "naissance : {}"],
    "es": ["Fecha de nacimiento: {}", "nací el {}", "Nacida el {}.", "Mi cumpleaños es el {}.", "F. nacimiento: {}"],
}
RECORD = {
    "en": ["MRN: {}", "Medical record number {}", "Patient ID: {}", "hospital number {} was admitted", "Chart no. {}", "medical record #{}"],
    "de": ["Patientennummer: {}", "Patienten-ID {}", "Krankenaktennummer {}", "Fallnummer des Patienten: {}", "Versichertennummer {}"],
    "fr": ["Numéro de dossier médical : {}", "Dossier patient n° {}", "N° patient : {}", "numéro de patient {}"],
    "es": ["Número de historia clínica: {}", "Historia clínica n.º {}", "N.º de paciente: {}", "expediente médico {}"],
}
ILL = {
    "en": (["asthma", "type 2 diabetes", "breast cancer", "depression", "epilepsy", "HIV", "hypertension", "multiple sclerosis", "bipolar disorder", "hepatitis C"],
           ["I was diagnosed with {} in spring.", "The patient suffers from {}.", "Diagnosis: {}", "My son has {}.", "He has a history of {}.", "I have {} and need advice."]),
    "de": (["Asthma", "Diabetes", "Brustkrebs", "Depressionen", "Epilepsie", "HIV", "Bluthochdruck", "multiple Sklerose", "Hepatitis C", "Schizophrenie"],
           ["Ich leide an {}.", "Diagnose: {}", "Bei der Patientin wurde {} festgestellt.", "Mein Sohn hat {}.", "Ich bin an {} erkrankt."]),
    "fr": (["asthme", "diabète", "cancer du sein", "dépression", "épilepsie", "VIH", "hypertension", "sclérose en plaques", "hépatite C", "schizophrénie"],
           ["Je souffre de {}.", "Diagnostic : {}", "Le patient est atteint de {}.", "Mon fils a {}.", "Antécédents : {}"]),
    "es": (["asma", "diabetes", "cáncer de mama", "depresión", "epilepsia", "VIH", "hipertensión", "esclerosis múltiple", "hepatitis C", "esquizofrenia"],
           ["Padezco {}.", "Diagnóstico: {}", "El paciente sufre de {}.", "Mi hijo tiene {}.", "Antecedentes de {}."]),
}
DATES = {
    "en": ["{y}-{m:02}-{d:02}", "{m:02}/{d:02}/{y}", "{d} {M} {y}", "{M} {d}, {y}", "{m}/{d}/{yy:02}"],
    "de": ["{d:02}.{m:02}.{y}", "{d}.{m}.{y}", "{d}. {M} {y}", "{d:02}.{m:02}.{yy:02}"],
    "fr": ["{d:02}/{m:02}/{y}", "{d} {M} {y}", "{d:02}-{m:02}-{y}"],
    "es": ["{d:02}/{m:02}/{y}", "{d} de {M} de {y}", "{d}-{m}-{y}"],
}
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
# Addresses of neither generator, by country: forms of which both know little.
FORMS = {
    "en_US": ["{n} {s} Ave Apt {u}, {t}, CA 9{z4}", "PO Box {n}, {t}, TX 7{z4}", "{n} W {s} St #{u}\n{t} NY 1{z4}"],
    "en_GB": ["Flat {u}, {n} {s} Road, {t} SW{u} 4AB", "{n} {s} Close\n{t}\nLS1 {u}XY", "The Old Mill, {n} {s} Lane, {t}, Kent"],
    "en_AU": ["Unit {u}/{n} {s} Street, {t} NSW 2{z3}", "{n} {s} Parade, {t} VIC 3{z3}", "GPO Box {n}, {t} QLD 4{z3}"],
    "en_IN": ["{n}, {s} Marg, {t} - 56{z4}", "Flat No. {n}, {s} Road, {t} 40{z4}", "{n} {s} Nagar, {t}, Karnataka 56{z4}"],
    "de_DE": ["{s}straße {n}a, 1{z4} {t}", "Am {s} {u}, 8{z4} {t}", "Postfach {n}, 5{z4} {t}", "{s}weg {n}-{n2}\n7{z4} {t}"],
    "fr_FR": ["{n} bis, rue {s}, 75{z3} {t}", "{n} avenue de {s}, bât. B, 69{z3} {t}", "BP {n}, 33{z3} {t}"],
    "es_ES": ["C/ {s} {n}, 3º B, 28{z3} {t}", "Avda. de {s}, {n}, 08{z3} {t}", "Apartado de correos {n}, 46{z3} {t}"],
    "it_IT": ["Via {s} {n}, 20{z3} {t} MI", "Piazza {s}, {n} - 00{z3} {t}", "Corso {s} {n}/B, {t}"],
    "nl_NL": ["{s}straat {n}-II, 10{u2} AB {t}", "{s}laan {n}, 3{z3} CD {t}", "Postbus {n}, 2{z3} EF {t}"],
    "pl_PL": ["ul. {s} {n}/{u}, 00-{z3} {t}", "al. {s} {n} m. {u}, 31-{z3} {t}", "os. {s} {n}, 60-{z3} {t}"],
    "pt_PT": ["Rua {s}, {n}, 2º Esq, 1{z3}-{z3} {t}", "Avenida {s} {n}, 4{z3}-{z3} {t}"],
    "pt_BR": ["Rua {s}, {n}, apto {u}, {t} - SP, 01{z3}-{z3}", "Avenida {s}, {n}, {t}, CEP 20{z3}-{z3}"],
    "sv_SE": ["{s}gatan {n}B, {z3} {u2} {t}", "{s}vägen {n}, {z3} {u2} {t}", "Box {n}, {z3} {u2} {t}"],
    "da_DK": ["{s}vej {n}, 2. tv, 2{z3} {t}", "{s}gade {n}, 8{z3} {t}"],
    "cs_CZ": ["{s} {n}/{u}, 1{u2} 00 {t}", "náměstí {s} {n}, {t}"],
}


def maker(values, locale, seed):
    """What makes addresses, names, towns and surnames of a locale; `None` where the generator does not know it."""
    if values == "faker":
        from faker import Faker

        fake = Faker(locale)
        fake.seed_instance(seed)
        return fake.address, lambda: f"{fake.first_name()} {fake.last_name()}", fake.city, fake.last_name
    import mimesis

    name = LOCALES[locale][1]
    if name is None:
        return None
    one = mimesis.Generic(locale=mimesis.Locale(name), seed=seed)

    def address():
        code, town = one.address.postal_code(), one.address.city()
        street = one.address.address()
        if locale in ("en_US", "en_AU"):
            return f"{street}, {town}, {one.address.state(abbr=True)} {code}"
        return f"{street}, {town} {code}" if locale == "en_GB" else f"{street}, {code} {town}"

    return address, lambda: f"{one.person.first_name()} {one.person.last_name()}", one.address.city, one.person.last_name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", choices=["faker", "mimesis"], default="mimesis")
    parser.add_argument("--each", type=int, default=60, help="texts of each kind and locale")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    count = 0

    def put(template, value, kind, source, lang):
        nonlocal count
        count += 1
        start = template.index("{}")
        text = template.replace("{}", value, 1)
        span = {"start": start, "end": start + len(value), "type": kind}
        print(json.dumps({"id": f"made-{count}", "text": text, "label": 1, "kind": kind, "source": source, "lang": lang, "spans": [span]}, ensure_ascii=False))

    def noise(digits):
        return "".join(dice.choice("0123456789") for _ in range(digits))

    for locale, (lang, _) in LOCALES.items():
        made = maker(options.values, locale, options.seed)
        if made is None:
            continue
        address, name, town, surname = made
        for _ in range(options.each):
            put(dice.choice(ADDRESS[lang]), address(), "ADDRESS", f"made:{options.values}:{locale}", lang)
            form = dice.choice(FORMS[locale]).format(
                n=dice.randint(2, 180), n2=dice.randint(181, 199), u=dice.randint(1, 9), u2=dice.randint(10, 98), z3=noise(3), z4=noise(4),
                s=surname().split()[-1], t=town(),
            )
            put(dice.choice(ADDRESS[lang]), form, "ADDRESS", f"made:forms:{locale}", lang)
            if lang in NAME:
                put(dice.choice(NAME[lang]), name(), "PERSON", f"made:{options.values}:announced:{lang}", lang)
                put(dice.choice(BARE[lang]), name(), "PERSON", f"made:{options.values}:bare:{lang}", lang)
    for lang, forms in DATES.items():
        for _ in range(options.each):
            y, m, d = dice.randint(1930, 2012), dice.randint(1, 12), dice.randint(1, 28)
            value = dice.choice(forms).format(y=y, yy=y % 100, m=m, d=d, M=MONTHS[lang].split()[m - 1])
            put(dice.choice(BIRTH[lang]), value, "BIRTH", f"made:birth:{lang}", lang)
            value = dice.choice([noise(dice.randint(6, 9)), f"{dice.choice('ABHKMP')}{noise(6)}", f"{noise(3)}-{noise(2)}-{noise(4)}", f"MR{noise(7)}"])
            put(dice.choice(RECORD[lang]), value, "MRN", f"made:record:{lang}", lang)
            conditions, sentences = ILL[lang]
            put(dice.choice(sentences), dice.choice(conditions), "HEALTH", f"made:health:{lang}", lang)


if __name__ == "__main__":
    main()
