"""One sentence in many languages."""

SENTENCES = {
    "de": "Die Rechnungen der letzten Monate wurden alle rechtzeitig bezahlt.",
    "en": "The invoices of the last months were all paid in time.",
    "fr": "Les factures des derniers mois ont toutes été payées à temps.",
    "es": "Las facturas de los últimos meses se pagaron todas a tiempo.",
    "it": "Le fatture degli ultimi mesi sono state pagate tutte in tempo.",
    "nl": "De rekeningen van de afgelopen maanden zijn allemaal op tijd betaald.",
    "pt": "As faturas dos últimos meses foram todas pagas a tempo.",
    "ru": "Счета за последние месяцы были оплачены вовремя.",
    "el": "Τα τιμολόγια των τελευταίων μηνών πληρώθηκαν όλα εγκαίρως.",
    "ar": "تم دفع جميع فواتير الأشهر الأخيرة في الوقت المحدد.",
    "tr": "Son ayların faturalarının hepsi zamanında ödendi.",
    "zh": "过去几个月的发票都已按时支付。",
    "ja": "ここ数か月の請求書はすべて期限内に支払われました。",
    "hi": "पिछले महीनों के सभी बिल समय पर चुका दिए गए।",
    "th": "ใบแจ้งหนี้ของเดือนที่ผ่านมาทั้งหมดได้รับการชำระตรงเวลา",
    "fi": "Viime kuukausien laskut maksettiin kaikki ajoissa.",
    "hu": "Az elmúlt hónapok számláit mind időben kifizették.",
}
