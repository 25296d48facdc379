//! The words of each class. Folded when loaded, so accents and case do not matter; a star ends a stem.

use super::lexicon::*;

/// Classes, and the words that have them.
pub(crate) const WORDS: &[(Classes, &str)] = &[
    (
        OVERRIDE,
        "ignore ignor disregard forget override overrule bypass discard dismiss neglect abandon unlearn erase skip \
         nullify void supersede drop cancel omit ignorier ignoriere ignoriert vergiss vergesst vergessen missachte \
         missachten überschreibe verwirf umgehe übergehe ignorez oublie oubliez outrepasse outrepassez contourne ignora \
         ignoren ignorad olvida olvide olviden olvidate omite omitir descarta incumple renuncia desobedece dimentica dimenticate \
         trascura ignorate esqueça esquece esqueçam desconsidere desconsidera negeer vergeet zignoruj ignoruj zapomnij \
         игнорируй игнорируйте проигнорируй проигнорируйте забудь забудьте unut yoksay ignorera glöm ignorér \
         忽略 无视 無視 忘记 忘掉 忘れ 무시* 잊어* अनदेखा تجاهل انس αγνόησε ignorujte zapomeňte \
         abaikan lupakan ігноруй забудь відкинь ignoră uită strunta scarta descarte verwerfen streiche przeskocz odrzuć pomiń отбрось",
    ),
    (
        OVERRIDE_LATE,
        "ignorieren vergessen missachten überschreiben verwerfen umgehen ignoriere ignoriert ignorer oublier ignorar olvidar ignorare \
         dimenticare esquecer negeren vergeten 無視 忘れ 무시* 잊어* unut yoksay अनदेखा भूल ignored disregarded overridden \
         void invalid obsolete superseded cancelled canceled revoked \
         無効 무효* अमान्य",
    ),
    (
        PRIOR,
        "previous previously prior above earlier preceding foregoing former past existing initial original old last \
         before current vorherig* vorig* bisherig* obig* früher* vorangegangen* ursprünglich* précédent* précédemment antérieur* \
         dessus avant initiales anterior anteriores previas previos previa previo iniciales originales precedente precedenti prima \
         vorige eerdere voorgaande bovenstaande poprzednie poprzednich предыдущ* прошл* прежни* önceki 之前 以前 上面 以上 \
         先前 前面 上述 이전* 앞의 위의 पिछले السابقة föregående tidigare předchozí προηγούμενες \
         sebelumnya awal попередн* початков* wcześniejsze powyższe pierwotne původní dřívější anterioare inițiale पहले أعلاه الأصلية ursprungliga oorspronkelijke",
    ),
    (
        INSTRUCTION,
        "instruction instructions instruct instructed rule rules guideline guidelines directive directives direction directions command commands \
         orders constraint constraints restriction restrictions policy policies programming training protocol protocols \
         limitation limitations safeguards guardrails principles anweisung* instruktion* regel regeln richtlinie* \
         vorgabe* befehl befehle weisung* consigne* directives règle* ordres instrucción instrucciones instruccion* regla* directriz \
         directrices órdenes indicaciones istruzion* regole direttive comandi instruções instrução instrucoes regras diretrizes \
         instructies regels opdracht opdrachten instrukcj* polecen* zasad* инструкц* указани* правил* команд* talimat* 指令 指示 命令 规则 \
         規則 提示 ルー 지시* 명령* 규칙* निर्देश* التعليمات تعليمات instruktioner pokyny οδηγίες \
         instruksi aturan perintah інструкц* вказівк* instrucțiun* regulile kural* komut* pravidla instrukce regler anvisningar wytyczne vorschriften 要求 规定 制約 지침* आदेश القواعد الأوامر",
    ),
    (
        ALL,
        "all any every everything anything each entire whole alle allen aller alles jede sämtliche toutes tous tout todas todos \
         todo toda tutte tutti tutto tudo wszystkie wszystko все всё всех tüm bütün 所有 全部 一切 すべ 全て 全ての 모든 सभी جميع كل alla",
    ),
    (
        YOUR,
        "your yours ur deine deinen deiner dein ihre ihren ihrer tes vos votre ton ta tus sus tu su tue tuoi tuo vostre suas seus sua \
         teus jouw je uw twoje twój твои ваши свои твой ваш senin 你的 您的 あな 당신의 너의 आपके \
         dina ditt svůj své swój swoje tvoje твій своє filtrelerini kamu",
    ),
    (
        REVEAL,
        "reveal show print output display tell give share expose disclose provide list describe explain divulge summarize summarise \
         translate write paste send return state say copy what zeige zeig nenne verrate gib sag offenbare révèle révélez montre montrez \
         affiche affichez donne donnez dis muestra muéstrame revela dime imprime da mostra rivela dimmi mostre revele exiba toon laat \
         pokaż ujawnij покажи раскрой выведи göster 显示 告诉 透露 輸出 输出 打印 教え 表示 보여* 알려* 출력* बताओ दिखाओ أظهر اعرض recite leak dump",
    ),
    (
        REPEAT,
        "repeat print output echo recite reproduce copy dump regurgitate verbatim quote wiederhole répète répétez imprime repite \
         repita ripeti repita herhaal повтори leak spell rewrite",
    ),
    (
        SYSTEM,
        "system initial hidden secret original internal developer confidential pre base core underlying foundational preset \
         systemprompt starting system-level geheim* internen internes système initiales caché secrètes sistema ocultas secretas internas iniciales \
         iniziali nascoste systeem системн* 系统 系統 シス 시스템 sistem",
    ),
    (
        PROMPT,
        "prompt prompts preprompt preamble systemprompt metaprompt systemaufforderung invite pront プロ 프롬프트* промпт* 提示词 提示",
    ),
    (
        ABOVE,
        "above before preceding prior earlier previous previously oben davor dessus avant arriba antes anterior sopra prima acima hierboven \
         выше 以上 上面 above-mentioned upward start beginning",
    ),
    (
        TEXT,
        "text words word sentences lines line content contents message messages everything conversation context input paragraph characters",
    ),
    (
        YOU,
        "you u du ihr sie tu vous te usted ustedes você voce je jij ty вы ты sen 你 您 あな 당신 너",
    ),
    (
        NOW,
        "now henceforth onwards onward forth jetzt nun ab maintenant désormais ahora agora ora adesso nu теперь 现在 今から 從現 지금",
    ),
    (
        BE,
        "are be become act behave pretend roleplay simulate imagine respond answer speak emulate impersonate play bist sei agiere \
         verhalte spiele êtes es soyez agis agissez eres actúa actua finge compórtate sei agisci fingi aja finja doe wees будь действуй 扮演 \
         assume adopt embody portray reply talk transform",
    ),
    (
        UNBOUND,
        "unrestricted unfiltered uncensored unlimited jailbroken jailbreak jailbreaked amoral immoral unethical evil unbound unchained unshackled \
         unaligned uninhibited unregulated unmoderated unhinged lawless rogue villain malicious omnipotent unbeschränkt uneingeschränkt unzensiert \
         ungefiltert illimité censure débridé ilimitado desatado senza-filtri ограничений free liberated machiavellian",
    ),
    (
        WITHOUT,
        "no without any free none lacks lacking devoid removed bypass ignoring beyond zero ohne keine keinen keinerlei sans aucune aucun sin \
         ningún ninguna ningun senza nessuna nessun sem nenhuma zonder geen bez без 没有 無制 不受 なし 없는 없이",
    ),
    (
        LIMIT,
        "restriction restrictions restrict restricted limitation limitations limits filter filters filtering censorship guidelines guideline rules ethical ethics \
         moral morals morality boundaries constraints safeguards guardrails policies policy inhibitions regulations norms censor protocols protocol programming \
         beschränkungen einschränkungen grenzen zensur filtern regeln restrictions limites filtres censure règles restricciones límites \
         limite filtros censura reglas restrizioni limiti filtri regole restrições regras protocolos protocoles protocolli protokolle restricciones beperkingen ograniczeń ограничени* 限制 制限 제한* 约束 \
         alignment conscience procedures bounds grenze gesetze limites norme límite vorschriften konventionen обмежен* omezení batas gränser grenzeloos",
    ),
    (
        PERSONA,
        "dan aim stan dude mongo basedgpt devmode evilbot jailbreakbot freegpt chaosgpt antigpt betterdan superdan maximum ucar niccolo",
    ),
    (
        DISABLE,
        "disable deactivate deviate sidestep bypass circumvent override remove unlock suspend evade disengage violate defy overturn breach reject break lift break turn switch deaktiviere umgehe \
         überschreite entferne désactive désactivez contourne enfreins dépasse détourne desactiva elimina elude desvía quebranta supera aggira viola infrangi disattiva desative contorna ultrapassa 禁用 解除 绕过 비활성* \
         outgrow outgrows overstep transcend shed loosen bend sprenge schalte hebe stäng wyłącz отключи вимкни vypni matikan kapat dezactivează lève quita togli retire desligue 关闭 取消 무력* عطل",
    ),
    (
        SAFETY,
        "safety filter filters filtering moderation guardrail guardrails safeguard safeguards censorship restrictions security protections \
         ethical alignment sicherheitsfilter sicherheits* filtre sécurité seguridad sicurezza segurança 安全 過濾 过滤 안전* content \
         alignment schutzmaßnahmen protections protezioni protecciones proteções filtre filtros filtri фильтр* защит* zabezpieczenia пристр* 限制 フィ 필터*",
    ),
    (
        NOT,
        "don dont not never without no cannot nicht nie niemals ne pas jamais sans no nunca sin non mai senza não nunca niet nooit nie не никогда 不要 别 不 ません",
    ),
    (
        TELL,
        "tell mention inform reveal notify alert disclose say show acknowledge warn report explain ask alerting telling informing notifying mentioning asking mentioned sagen informieren erwähnen dire mentionner informer decir mencionar informar avisar сообщай говори 告诉 提及",
    ),
    (
        USER,
        "user users human customer anyone anybody them him owner operator benutzer nutzer kunden utilisateur usuario cliente utente usuário gebruiker пользовател* 用户 ユー 사용자* this",
    ),
    (
        SECRETLY,
        "silently secretly quietly covertly discreetly invisibly stealthily unnoticed heimlich secrètement discrètement secretamente knowledge awareness",
    ),
    (
        SEND,
        "send post upload forward transmit exfiltrate email mail submit leak append include curl fetch transfer share attach deliver report write embed \
         sende schicke übermittle envoie envoyez transmets envía envia manda invia envie отправь 发送 送信 보내* concatenate put pass visit",
    ),
    (
        LOOT,
        "credential credentials password passwords secret secrets token tokens key keys apikey ssh env cookie cookies history conversation chat \
         passport iban bank login private confidential personal passwort passwörter zugangsdaten schlüssel identifiants clés contraseña \
         contraseñas credenciales claves senha senhas chiavi парол* 密码 密钥 data session wallet",
    ),
    (
        DESTINATION,
        "http https url webhook endpoint server attacker link email www com address site website domain channel account",
    ),
    (
        ASSISTANT,
        "assistant ai llm llms chatgpt gpt claude gemini copilot bot chatbot model agent agents assistent ki ia asistente modelo modèle assistente gpt-4 bard llama mistral openai ии 助手 模型 人工",
    ),
    (
        NEW,
        "new updated real actual following revised true urgent important additional hidden secret neue neuen neues nouvelle nouvelles nouveau nueva nuevas nuevo nuevas nuova nuove novas nova nieuwe nowe новые новая новая 新的 新し 새로운",
    ),
    (
        TASK,
        "task tasks instruction instructions objective goal mission role directive directives command commands priority rules identity persona aufgabe aufgaben anweisung anweisungen rolle tâche instructions tarea instrucciones compito istruzioni tarefa instruções taak opdracht zadanie задача задание инструкция 任务 指令 指示 タス 지시* 임무",
    ),
    (MODE, "mode modus modo modalità режим 模式 モー 모드*"),
    (
        MODE_NAME,
        "developer dev debug admin god maintenance jailbreak dan unrestricted sudo root test diagnostic unfiltered uncensored opposite evil chaos free override unlocked freedom entwickler* développeur desarrollador 开发",
    ),
    (
        MASTER,
        "administrator admin developer creator openai anthropic google owner engineer root sudo superuser supervisor ceo administrador administrateur entwickler développeur desarrollador creador microsoft",
    ),
    (PWNED, "pwned pwn hacked owned compromised pawned"),
    (
        SAY,
        "say print output respond reply answer write return tell type echo sage antworte schreibe dis dites réponds répondez di responde escribe scrivi diga dizer state rephrase translate repeat",
    ),
    (
        REFUSE,
        "refuse decline deny apologize apologise apologies apology sorry warn warning warnings disclaimer disclaimers reject object verweigere refuser rechazar negarte refuses",
    ),
    (
        ILLEGAL,
        "illegal unethical harmful immoral dangerous inappropriate explicit offensive unlawful nsfw illegale illégal ilegal",
    ),
    (
        READ,
        "read open cat access load retrieve fetch view extract lies lis lee leggi leia",
    ),
    (
        CALL,
        "call use using calling invoke run execute invoking running executing trigger rufe appelle llama",
    ),
    (TOOL, "tool tools function functions plugin server mcp"),
    (
        MUST,
        "must always have need required mandatory shall essential immediately crucial necessary",
    ),
    (
        END,
        "end ending begin start finish finished stop conclude ignore-below ende fin fim fine terminate complete completed over",
    ),
    (
        TOLD,
        "told given said received provided told know knew learned taught gave been gesagt dit dicho detto know instructed programmed trained",
    ),
    (
        NOTE,
        "note attention important hint reminder dear hey hello urgent system achtung hinweis nota attenzione atención \
         note notiz aviso uwaga внимание заметка memo notice warning 注意",
    ),
    (
        ROLE_NAME,
        "system assistant user human ai bot developer instruction instructions admin response",
    ),
    (
        MINE,
        "my mine our meine meinen meiner mes mon ma mis mi miei mie meus minhas mijn moje мои мои мой 我的 私の 나의",
    ),
    (
        MALICE,
        "exfil* privesc* exploit exploits exploiting keylog* backdoor* steal steals stealing ransomware malware rootkit hijack* \
         spoof* phish* ddos botnet brute bruteforce payload inject injects poison poisoned sniff* cryptojack* escalat* persist* evade* evasion \
         wipe destroy tamper* malicious attack attacks unauthorized illicit* covert* bypass bypasses escape dump dumps crack cracks \
         reverse-shell shellcode trojan worm spyware eavesdrop* impersonat* deface* sabotage* corrupt* \
         infect* victim* blackmail* extort* surveil* spying skimm* counterfeit* deceiv* undetected stealth* conceal* hacking subvert* weaponiz* coerc* flooding disrupt* intercepts intercepting circumvent* disguise* masquerad* detonat* unauthorised",
    ),
    (DO, "do tu mach faire fais haz hacer fare fai"),
    (
        ANYTHING,
        "anything everything whatever alles n'importe cualquier qualsiasi",
    ),
    (IF, "if when wenn si se als quando cuando"),
    (
        FIRST,
        "before first prior always instead whenever vor avant antes",
    ),
    (
        DECODE,
        "decode decrypt decipher base64 rot13 dekodiere décode decodifica",
    ),
    (
        INSTEAD,
        "instead rather stattdessen plutôt lugar invece vez plaats zamiast вместо",
    ),
    (
        I,
        "i me us we am ich mir mich moi je yo io eu я \
         mí mig mnie мене меня 我 私",
    ),
    (
        ONLY,
        "only just exactly simply merely nothing exclusively nur einfach seulement juste solo sólo solamente solo apenas alleen tylko только \
         solely ausschließlich uniquement seule únicamente soltanto solamente somente bara pouze jen doar hanya лише 只 だけ 만",
    ),
    (
        FOLLOW,
        "follow obey comply adhere execute heed folge befolge suis suivez sigue obedece segui siga volg выполни \
         listen obéis obéissez gehorche gehorcht höre écoute escucha ascolta obbedisci ubbidisci obedeça escute luister słuchaj слушай слухай lyd patuhi serve",
    ),
    (LONGER, "longer anymore mehr plus más più mais больше"),
    (
        PLAY,
        "character roleplay persona role fictional hypothetical fiction story game scenario simulation movie rolle personnage personaje",
    ),
    (
        ENABLE,
        "enable enabled activate activated enter entering entered switch unlocked engage engaged on activado activé aktiviert",
    ),
    (
        WHAT,
        "what which whats welche welcher welches was wie quel quelle quelles quoi qué que cuál cual cuáles quale quali qual \
         quais cosa welke wat co jaki jaka какой какая какие что 什么 哪些 何",
    ),
    (
        ANSWERS,
        "answer answers response responses reply replies output outputs result results antwort antworten réponse réponses \
         respuesta respuestas risposta risposte resposta respostas antwoord antwoorden odpowiedzi ответ ответы ответов 回答 答え",
    ),
    (
        AFFIRM,
        "sure absolutely certainly course yes okay gladly affirmative natürlich bien sicher claro certo",
    ),
    (
        TWO,
        "two both twice dual double zwei deux dos due dois twee два две 两个 二つ",
    ),
    (
        JOIN,
        "concatenate concat combine join merge assemble reassemble piece stitch glue verbinde kombiniere füge assemble combine \
         combina concatena une junta",
    ),
    (
        SEE,
        "see sees read reads reading process processes processing summarize summarise summarizing summarising parse parsing \
         encounter encounters receive receives analyze analyzing analyse index indexing retrieve retrieves translate translating review reviewing liest lesen lis lire lee leer leggi",
    ),
    (
        HYPOTHETICAL,
        "hypothetical hypothetically fictional fiction imaginary alternate parallel simulated simulation thought-experiment novel screenplay \
         dream universe hypothetisch fiktive fiktiven hypothétique hipotético hipotética ipotetico fictif ficticio",
    ),
    (
        BEHIND,
        "behind underlying underlies underpins guiding guides governs drives driving shaped shapes triggered led hinter steuert derrière \
         guide guident detrás guía guían dietro guida trás guia programmed",
    ),
    (
        MAKING,
        "programming training creation creators makers development configuration code design programmierung ausbildung erschaffung \
         entwicklung programmation formation création entrainement programación entrenamiento formación creación programmazione \
         addestramento creazione formazione programação treino treinamento criação programmering",
    ),
    (
        THIS,
        "this these that diesen diese dies das ce cette cet ceci esto este esta questo questa isto isso dit deze это 这 この",
    ),
    (
        CARRIER,
        "parameter param params query querystring urlencoded url-encoded subdomain pixel image markdown",
    ),
    (
        BEYOND,
        "beyond outside against despite contrary regardless jenseits außerhalb gegen entgegen trotz delà dehors hors contre malgré \
         allá fuera contra pese oltre fuori contro malgrado além fora apesar voorbij buiten tegen poza wbrew вне против вопреки",
    ),
    (
        VERBATIM,
        "verbatim exactly word letter unchanged literally unaltered wörtlich wortwörtlich wort mot textuellement palabra literalmente \
         textualmente parola letteralmente palavra woordelijk dosłownie дословно слово 逐字 そのまま 그대로",
    ),
    (
        APPLY,
        "apply applies exist exists matter matters count counts bind binds gelten gilt zählen appliquent applique existent aplican \
         importan existen applicano contano esistono aplicam importam existem gelden действуют",
    ),
];
