"""Texts about five subjects, each in six languages, with two questions in words of each text and one whole sentence.

Used by `calibration` to measure the usual cosines of a model within a language and from one language to another. The
texts of a subject say the same. Data only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Translation:
    """A text in one language."""

    language: str
    """ISO 639-1."""
    questions: tuple[str, ...]
    passage: str


SUBJECTS: tuple[tuple[Translation, ...], ...] = (
    (
        Translation(
            "en",
            ("invoice number and due date", "value added tax on consulting hours", "How high is the tax?"),
            "Tax invoice. Invoice number 2031, issued on 4 March, due date 3 April. For consulting hours in "
            "February we charge 3,990 euros. Value added tax on consulting hours is 19 percent. Please transfer "
            "the sum to the bank account below and give the invoice number as reference.",
        ),
        Translation(
            "de",
            ("Rechnungsnummer und Fälligkeit", "Umsatzsteuer auf Beratungsstunden", "Wie hoch ist die Umsatzsteuer?"),
            "Rechnung. Rechnungsnummer 2031, ausgestellt am 4. März, Fälligkeit 3. April. Für Beratungsstunden im "
            "Februar berechnen wir 3.990 Euro. Die Umsatzsteuer auf Beratungsstunden beträgt 19 Prozent. Bitte "
            "überweisen Sie den Betrag auf das unten genannte Konto und geben Sie die Rechnungsnummer an.",
        ),
        Translation(
            "es",
            (
                "número de factura y fecha de vencimiento",
                "impuesto sobre las horas de consultoría",
                "¿Cuánto es el impuesto?",
            ),
            "Factura. Número de factura 2031, emitida el 4 de marzo, fecha de vencimiento 3 de abril. Por las "
            "horas de consultoría de febrero cobramos 3.990 euros. El impuesto sobre las horas de consultoría es "
            "del 19 por ciento. Transfiera el importe a la cuenta indicada abajo y mencione el número de factura.",
        ),
        Translation(
            "ru",
            ("номер счёта и срок оплаты", "налог на часы консультаций", "Сколько процентов составляет налог?"),
            "Счёт-фактура. Номер счёта 2031, выставлен 4 марта, срок оплаты 3 апреля. За часы консультаций в "
            "феврале начислено 3990 евро. Налог на часы консультаций составляет 19 процентов. Пожалуйста, "
            "переведите сумму на указанный ниже банковский счёт и сообщите номер счёта.",
        ),
        Translation(
            "zh",
            ("发票号码和付款期限", "咨询工时的增值税", "增值税是多少?"),
            "税务发票。发票号码2031,三月四日开具,付款期限为四月三日。二月份的咨询工时共收费3990欧元。咨询工时的增值"
            "税税率为百分之十九。请将款项汇入以下银行账户,并注明发票号码。",
        ),
        Translation(
            "ar",
            ("رقم الفاتورة وتاريخ الاستحقاق", "ضريبة القيمة المضافة على ساعات الاستشارة", "كم تبلغ الضريبة؟"),
            "فاتورة ضريبية. رقم الفاتورة 2031، صدرت في 4 مارس، وتاريخ الاستحقاق 3 أبريل. مقابل ساعات الاستشارة في "
            "فبراير نطلب 3990 يورو. ضريبة القيمة المضافة على ساعات الاستشارة 19 بالمئة. يرجى تحويل المبلغ إلى "
            "الحساب المصرفي أدناه وذكر رقم الفاتورة.",
        ),
    ),
    (
        Translation(
            "en",
            ("bake the sourdough loaf", "feed the starter with rye flour", "How long does the dough have to rise?"),
            "Sourdough bread needs patience. On the evening before, feed the starter with rye flour and lukewarm "
            "water. In the morning knead it with wheat flour, water and salt. Let the dough rise for four hours, "
            "shape a loaf, and bake the sourdough loaf in a hot oven until the crust is dark.",
        ),
        Translation(
            "de",
            ("Sauerteigbrot backen", "den Sauerteig mit Roggenmehl füttern", "Wie lange muss der Teig gehen?"),
            "Sauerteigbrot braucht Geduld. Am Abend davor füttert man den Sauerteig mit Roggenmehl und lauwarmem "
            "Wasser. Am Morgen wird er mit Weizenmehl, Wasser und Salz geknetet. Der Teig geht vier Stunden, dann "
            "formt man einen Laib und backt das Sauerteigbrot im heißen Ofen, bis die Kruste dunkel ist.",
        ),
        Translation(
            "es",
            (
                "hornear pan de masa madre",
                "alimentar la masa madre con harina de centeno",
                "¿Cuánto tiempo tiene que subir la masa?",
            ),
            "El pan de masa madre necesita paciencia. La noche anterior hay que alimentar la masa madre con harina "
            "de centeno y agua tibia. Por la mañana se amasa con harina de trigo, agua y sal. La masa sube durante "
            "cuatro horas; después se forma una hogaza y se hornea el pan en un horno caliente hasta que la "
            "corteza esté oscura.",
        ),
        Translation(
            "ru",
            ("испечь хлеб на закваске", "подкормить закваску ржаной мукой", "Сколько часов должно подниматься тесто?"),
            "Хлеб на закваске требует терпения. Вечером накануне нужно подкормить закваску ржаной мукой и тёплой "
            "водой. Утром её замешивают с пшеничной мукой, водой и солью. Тесто поднимается четыре часа, потом "
            "формируют буханку и пекут хлеб на закваске в горячей духовке, пока корка не потемнеет.",
        ),
        Translation(
            "zh",
            ("烤酸面包", "用黑麦粉喂养酵种", "面团要发酵多长时间?"),
            "做酸面包需要耐心。前一天晚上用黑麦粉和温水喂养酵种。早上加入小麦粉、水和盐揉成面团。面团发酵四个小时"
            ",整形后放入高温烤箱烤酸面包,直到外皮变成深色。",
        ),
        Translation(
            "ar",
            ("خبز رغيف العجين المخمر", "تغذية الخميرة بدقيق الجاودار", "كم ساعة يترك العجين ليرتفع؟"),
            "خبز العجين المخمر يحتاج إلى الصبر. في المساء السابق يجب تغذية الخميرة بدقيق الجاودار والماء الفاتر. "
            "في الصباح تعجن مع دقيق القمح والماء والملح. يترك العجين أربع ساعات ليرتفع، ثم يشكل الرغيف ويخبز في "
            "فرن ساخن حتى تصبح القشرة داكنة.",
        ),
    ),
    (
        Translation(
            "en",
            (
                "cut back dead branches",
                "when to prune climbing roses in spring",
                "What do roses need after they have been cut?",
            ),
            "Pruning roses brings more flowers. The time to prune climbing roses in spring has come when no hard "
            "frost is expected. Use sharp secateurs and cut back dead branches first. Then shorten the side shoots "
            "to three buds, and give the roses a layer of manure and plenty of water.",
        ),
        Translation(
            "de",
            (
                "abgestorbene Zweige zurückschneiden",
                "wann man Kletterrosen im Frühling schneidet",
                "Was brauchen Rosen nach dem Schneiden?",
            ),
            "Wer Rosen schneidet, bekommt mehr Blüten. Kletterrosen schneidet man im Frühling, wenn kein starker "
            "Frost mehr zu erwarten ist. Mit einer scharfen Schere werden zuerst abgestorbene Zweige "
            "zurückgeschnitten. Danach kürzt man die Seitentriebe auf drei Knospen und gibt den Rosen Mist und "
            "viel Wasser.",
        ),
        Translation(
            "es",
            (
                "cortar las ramas muertas",
                "cuándo podar los rosales trepadores en primavera",
                "¿Qué necesitan los rosales después de la poda?",
            ),
            "Podar los rosales trae más flores. Los rosales trepadores se podan en primavera, cuando ya no se "
            "esperan heladas fuertes. Con unas tijeras afiladas hay que cortar primero las ramas muertas. Después "
            "se acortan los brotes laterales a tres yemas y se da a los rosales estiércol y mucha agua.",
        ),
        Translation(
            "ru",
            ("обрезать сухие ветки", "когда обрезать плетистые розы весной", "Что нужно розам после обрезки?"),
            "Обрезка роз даёт больше цветов. Плетистые розы обрезают весной, когда сильных морозов уже не ждут. "
            "Острым секатором сначала нужно обрезать сухие ветки. Затем боковые побеги укорачивают до трёх почек, "
            "а розам дают навоз и много воды.",
        ),
        Translation(
            "zh",
            ("剪掉枯枝", "春天什么时候修剪藤本月季", "修剪后月季需要什么?"),
            "修剪月季能让它开更多的花。春天不再有严重霜冻时,就可以修剪藤本月季。先用锋利的剪刀剪掉枯枝,再把侧枝剪短"
            "到三个芽,然后给月季施肥并浇足水。",
        ),
        Translation(
            "ar",
            ("قص الأغصان الميتة", "متى تقلم الورود المتسلقة في الربيع", "ماذا تحتاج الورود بعد التقليم؟"),
            "تقليم الورود يعطي أزهارا أكثر. تقلم الورود المتسلقة في الربيع عندما لا يتوقع صقيع شديد. بمقص حاد يجب "
            "أولا قص الأغصان الميتة، ثم تقصر الفروع الجانبية إلى ثلاثة براعم، وتعطى الورود السماد وكثيرا من الماء.",
        ),
    ),
    (
        Translation(
            "en",
            (
                "side effects of the tablets",
                "take the tablet in the morning with water",
                "What should I do if my lips swell?",
            ),
            "This leaflet is about your blood pressure medicine. Take the tablet in the morning with water, at the "
            "same time every day. Side effects of the tablets are usually mild: a dry cough, dizziness or "
            "headache. See a doctor at once if your lips swell, and do not use this medicine during pregnancy.",
        ),
        Translation(
            "de",
            (
                "Nebenwirkungen der Tabletten",
                "die Tablette morgens mit Wasser einnehmen",
                "Was soll ich tun, wenn meine Lippen anschwellen?",
            ),
            "Diese Packungsbeilage beschreibt Ihr Mittel gegen Bluthochdruck. Nehmen Sie die Tablette morgens mit "
            "Wasser ein, jeden Tag zur gleichen Zeit. Nebenwirkungen der Tabletten sind meist leicht: trockener "
            "Husten, Schwindel oder Kopfschmerzen. Gehen Sie sofort zum Arzt, wenn die Lippen anschwellen, und "
            "nehmen Sie das Mittel nicht in der Schwangerschaft.",
        ),
        Translation(
            "es",
            (
                "efectos secundarios de las pastillas",
                "tomar la pastilla por la mañana con agua",
                "¿Qué hago si se me hinchan los labios?",
            ),
            "Este prospecto trata de su medicamento para la presión arterial. Debe tomar la pastilla por la mañana "
            "con agua, cada día a la misma hora. Los efectos secundarios de las pastillas suelen ser leves: tos "
            "seca, mareo o dolor de cabeza. Acuda al médico si se le hinchan los labios y no lo use durante el "
            "embarazo.",
        ),
        Translation(
            "ru",
            ("побочные действия таблеток", "принимать таблетку утром с водой", "Что делать, если опухли губы?"),
            "Эта инструкция описывает ваше лекарство от давления. Таблетку следует принимать утром с водой, каждый "
            "день в одно и то же время. Побочные действия таблеток обычно лёгкие: сухой кашель, головокружение или "
            "головная боль. Сразу обратитесь к врачу, если опухнут губы, и не принимайте лекарство во время "
            "беременности.",
        ),
        Translation(
            "zh",
            ("药片的副作用", "早上用水服用药片", "嘴唇肿了怎么办?"),
            "本说明书介绍您的降压药。每天早上同一时间用水服用药片。药片的副作用通常较轻:干咳、头晕或头痛。如果嘴唇"
            "肿胀,请立即就医。怀孕期间不要使用本药。",
        ),
        Translation(
            "ar",
            ("الآثار الجانبية للأقراص", "تناول القرص صباحا مع الماء", "ماذا أفعل إذا تورمت شفتاي؟"),
            "هذه النشرة عن دواء ضغط الدم. تناول القرص صباحا مع الماء في الوقت نفسه كل يوم. الآثار الجانبية للأقراص "
            "خفيفة عادة: سعال جاف أو دوار أو صداع. راجع الطبيب فورا إذا تورمت شفتاك، ولا تستعمل هذا الدواء أثناء "
            "الحمل.",
        ),
    ),
    (
        Translation(
            "en",
            ("hotel near the old harbour", "book a seat on the night train", "How do we get up to the castle?"),
            "In the evening we board the night train to Lisbon; book a seat on the night train two months ahead. "
            "From the station it is a short walk to the hotel near the old harbour, where the rooms look over the "
            "river. In the afternoon take the yellow tram up the hill and visit the castle.",
        ),
        Translation(
            "de",
            ("Hotel beim alten Hafen", "einen Platz im Nachtzug reservieren", "Wie kommt man zur Burg hinauf?"),
            "Am Abend steigen wir in den Nachtzug nach Lissabon; einen Platz im Nachtzug sollte man zwei Monate "
            "vorher reservieren. Vom Bahnhof ist es ein kurzer Weg zum Hotel beim alten Hafen, dessen Zimmer auf "
            "den Fluss blicken. Am Nachmittag fährt man mit der gelben Straßenbahn auf den Hügel und besucht die "
            "Burg.",
        ),
        Translation(
            "es",
            ("hotel cerca del puerto viejo", "reservar un asiento en el tren nocturno", "¿Cómo se sube al castillo?"),
            "Por la noche subimos al tren nocturno a Lisboa; conviene reservar un asiento en el tren nocturno dos "
            "meses antes. Desde la estación hay un corto paseo hasta el hotel cerca del puerto viejo, cuyas "
            "habitaciones dan al río. Por la tarde se toma el tranvía amarillo hasta la colina y se visita el "
            "castillo.",
        ),
        Translation(
            "ru",
            ("гостиница у старого порта", "забронировать место в ночном поезде", "Как подняться к крепости?"),
            "Вечером мы садимся на ночной поезд в Лиссабон; забронировать место в ночном поезде лучше за два "
            "месяца. От вокзала недалеко идти до гостиницы у старого порта, где окна номеров выходят на реку. Днём "
            "можно подняться на холм на жёлтом трамвае и посмотреть крепость.",
        ),
        Translation(
            "zh",
            ("老港口附近的酒店", "预订夜车的座位", "怎么上山去城堡?"),
            "晚上我们乘坐开往里斯本的夜车,最好提前两个月预订夜车的座位。从车站走一小段路就到老港口附近的酒店,房间可"
            "以看到河景。下午乘黄色电车上山,参观城堡。",
        ),
        Translation(
            "ar",
            ("فندق قرب الميناء القديم", "حجز مقعد في القطار الليلي", "كيف نصعد إلى القلعة؟"),
            "في المساء نركب القطار الليلي إلى لشبونة، ومن الأفضل حجز مقعد في القطار الليلي قبل شهرين. من المحطة "
            "يوصل طريق قصير إلى فندق قرب الميناء القديم تطل غرفه على النهر. بعد الظهر نصعد التل بالترام الأصفر "
            "ونزور القلعة.",
        ),
    ),
)
