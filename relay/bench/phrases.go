package bench

// threat is what an indicator is about, named in every language.
type threat struct {
	rsit, kind, phase, technique string
	word                         map[string]string
}

// threats are drawn with falling weights.
var threats = []choice[threat]{
	{100, threat{"phishing", "malicious-activity", "initial-access", "T1566", map[string]string{"en": "phishing page", "de": "Phishing-Seite", "fr": "page d'hameçonnage", "es": "página de phishing", "pl": "strona phishingowa", "it": "pagina di phishing", "nl": "phishingpagina", "uk": "фішингова сторінка", "ja": "フィッシングサイト", "fi": "kalastelusivu"}}},
	{50, threat{"malware-distribution", "malicious-activity", "execution", "T1204", map[string]string{"en": "malware download", "de": "Schadprogramm-Download", "fr": "téléchargement de maliciel", "es": "descarga de código dañino", "pl": "pobieranie szkodliwego programu", "it": "scaricamento di malware", "nl": "download van malware", "uk": "завантаження шкідливого коду", "ja": "不正プログラムの配布元", "fi": "haittaohjelman lataus"}}},
	{33, threat{"c2-server", "malicious-activity", "command-and-control", "T1071", map[string]string{"en": "control server", "de": "Steuerungsserver", "fr": "serveur de contrôle", "es": "servidor de control", "pl": "serwer sterujący", "it": "server di controllo", "nl": "aansturingsserver", "uk": "керуючий сервер", "ja": "制御サーバー", "fi": "ohjauspalvelin"}}},
	{25, threat{"scanner", "anomalous-activity", "reconnaissance", "T1595", map[string]string{"en": "port scan", "de": "Abtasten von Ports", "fr": "sondage de ports", "es": "sondeo de puertos", "pl": "skan portów", "it": "scansione di porte", "nl": "scan van poorten", "uk": "сканування портів", "ja": "ポート探索", "fi": "porttien luotaus"}}},
	{20, threat{"brute-force", "malicious-activity", "credential-access", "T1110", map[string]string{"en": "password guessing", "de": "Durchprobieren von Passwörtern", "fr": "essais de mots de passe", "es": "prueba de contraseñas", "pl": "zgadywanie haseł", "it": "tentativi di password", "nl": "raden van wachtwoorden", "uk": "перебір паролів", "ja": "パスワード試行", "fi": "salasanojen arvaus"}}},
	{17, threat{"exploit", "malicious-activity", "initial-access", "T1190", map[string]string{"en": "exploit attempt", "de": "Ausnutzungsversuch", "fr": "tentative d'exploitation", "es": "intento de explotación", "pl": "próba wykorzystania luki", "it": "tentativo di sfruttamento", "nl": "poging tot misbruik", "uk": "спроба експлуатації", "ja": "脆弱性への攻撃", "fi": "hyväksikäyttöyritys"}}},
	{14, threat{"infected-system", "compromised", "persistence", "T1547", map[string]string{"en": "infected host", "de": "befallener Rechner", "fr": "poste infecté", "es": "equipo infectado", "pl": "zainfekowany komputer", "it": "macchina infetta", "nl": "besmette machine", "uk": "уражений вузол", "ja": "感染した端末", "fi": "saastunut kone"}}},
	{12, threat{"ddos", "malicious-activity", "impact", "T1498", map[string]string{"en": "traffic flood", "de": "Überflutung mit Anfragen", "fr": "saturation du trafic", "es": "saturación de tráfico", "pl": "zalanie ruchem", "it": "saturazione del traffico", "nl": "verkeersoverstroming", "uk": "перевантаження трафіком", "ja": "大量通信による妨害", "fi": "liikennetulva"}}},
}

// remarks are sentences of descriptions and notes.
var remarks = map[string][]string{
	"en": {"Two members reported it within the last day, both from their mail gateways.", "The sample calls this value at fixed times and turns to a reserve if nothing answers.", "One sensor saw it and one partner confirmed it, so confidence is medium.", "Deny it at the resolver and search the proxy logs of the last month."},
	"de": {"Zwei Mitglieder meldeten es am letzten Tag, beide aus ihren Mail-Gateways.", "Die Probe ruft diesen Wert zu festen Zeiten auf und weicht aus, wenn niemand antwortet.", "Ein Sensor hat es gesehen, ein Partner bestätigt, die Verlässlichkeit ist mittel.", "Am Resolver sperren und die Proxy-Protokolle des letzten Monats durchsuchen."},
	"fr": {"Deux membres l'ont signalé au cours de la dernière journée, depuis leurs passerelles.", "L'échantillon appelle cette valeur à heures fixes et passe à une réserve sans réponse.", "Vu par un capteur et confirmé par un partenaire : fiabilité moyenne.", "À bloquer au résolveur ; chercher dans les journaux du dernier mois."},
	"es": {"Dos miembros lo comunicaron en el último día desde sus pasarelas de correo.", "La muestra llama a este valor a horas fijas y pasa a una reserva si nadie responde.", "Lo vio un sensor y lo confirmó un socio: la confianza es media.", "Deniéguese en el resolutor y búsquese en los registros del último mes."},
	"pl": {"Dwóch członków zgłosiło to w ciągu ostatniej doby ze swoich bramek pocztowych.", "Próbka łączy się z tą wartością o stałych porach, a bez odpowiedzi wybiera zapasową.", "Widział to jeden czujnik, potwierdził jeden partner: wiarygodność średnia.", "Zablokować w resolverze i przeszukać dzienniki z ostatniego miesiąca."},
	"it": {"Due membri l'hanno segnalato nell'ultimo giorno dai loro gateway di posta.", "Il campione chiama questo valore a ore fisse e ripiega su una riserva senza risposta.", "Visto da un sensore e confermato da un partner: affidabilità media.", "Negarlo al resolver e cercare nei registri dell'ultimo mese."},
	"nl": {"Twee leden meldden het de afgelopen dag vanuit hun mailgateways.", "Het monster roept deze waarde op vaste tijden aan en wijkt uit als niemand antwoordt.", "Eén sensor zag het, één partner bevestigde het: betrouwbaarheid gemiddeld.", "Weigeren op de resolver en de proxylogboeken van de laatste maand doorzoeken."},
	"uk": {"Двоє учасників повідомили про це за останню добу зі своїх поштових шлюзів.", "Зразок звертається до цього значення у визначений час і має запасне.", "Бачив один сенсор, підтвердив один партнер: достовірність середня.", "Заборонити на резолвері та переглянути журнали за місяць."},
	"ja": {"過去一日に二つの参加組織がメールゲートウェイから報告。", "検体は決まった時刻にこの値を呼び、応答がなければ予備に移る。", "一つのセンサーが観測し一組織が確認、確度は中程度。", "リゾルバーで拒否し、過去一か月の記録を検索すること。"},
	"fi": {"Kaksi jäsentä ilmoitti tästä viimeisen vuorokauden aikana postiyhdyskäytävistään.", "Näyte kutsuu tätä arvoa määräaikoina ja siirtyy varalle, jos vastausta ei tule.", "Yksi sensori näki sen ja yksi kumppani vahvisti: luotettavuus keskitasoa.", "Estä nimipalvelimessa ja hae välityspalvelimen lokeista kuukauden ajalta."},
}
