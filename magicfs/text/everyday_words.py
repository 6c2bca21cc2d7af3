"""Words that people say about anything, by language: a text has them by chance, however few texts an index has.

Used by searches of small indexes, in which the number of texts with a word says little about it. Stop words that
Postgres has lists of are left out in the question already; they are here for the languages of which it has none. Words
are in the forms in which questions have them. Data only; any thread.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from magicfs.text.analysis import fold

_WORDS: Final = {
    "en": """
        able about across actually add again ago all allow allowed almost alone along already also always am
        another answer answers any anybody anyone anything apart around ask asked asking asks away back bad be
        been before began begin begins being best better between big bigger biggest bit bring brings brought
        call called calls came can cannot change changed come comes coming could day days detail details did
        different do does doing done down during each early else end ends enough even ever every everybody
        everyone everything exactly example explain fast few find finds first for found from full gave general
        get gets getting give given gives giving go goes going gone good got gotten great had half happen
        happened happens hard has have having help helps here high how idea important info information inside
        instead into just keep keeping keeps kept kind kinds knew know known knows large last late later leave
        least left less let lets like liked likes list little long longer look looked looking looks lot lots
        low made main make makes making many matter may maybe mean means might moment month months more most
        much must name names need needed needs never new next nice nobody none not nothing now number of off
        often okay old on once one ones only open or other others our out over own part parts people perhaps
        person piece place places please point possible pretty problem put puts quickly quite rather really
        reason right said same saw say saying says second see seen several shall should show showed shows side
        simple since slow small so some somebody somehow someone something sometimes somewhere soon sort sorts
        start started starts still stop stuff such sure take taken takes taking talk tell tells than thank
        thanks that there these they thing things think thinks this those though thought three through till
        time times today together told tomorrow too took toward tried tries true try trying turn two type under
        until up use used useful uses using usually very want wanted wants was way ways week weeks well went
        were what when where whether which while who whole whom whose why will with within without word words
        work worked working works would write written wrong year years yes yesterday yet""",
    "de": """
        ab aber all alle allem allen aller alles als also alt alte alten alter altes am an andere anderen
        anderer anderes anders anfang antwort art auch auf aus bald beginnt beim bekam bekomme bekommen
        bekommst bekommt bereits besonders besser beste besten bestimmt bin bis bisschen bitte bleibe bleiben
        bleibt brauche brauchen brauchst braucht bringen bringt bräuchte da dabei dafür dagegen daher damit
        danach daran darauf daraus darf darfst darin darum darüber davon dazu denke denken denkt denn dinge
        ding doch dort durch dürfen eben eigentlich einfach einige einmal ende endlich erst erste ersten erster
        etwas fast finde finden findest findet frage fragen frag früher für ganz ganze ganzen gab geben gebt
        gegen gegeben geht gehe gehen gehört gemacht genau genug gerade gern gerne gesagt gestern gewesen gibt
        gibst ging gleich groß große großen großer größte gut gute guten guter habe haben halt hatte heißt
        heute hier hilfe hin hinter höchste immer informationen ins irgendwas ist ja jede jeden jeder jedes
        jemand jetzt jahr jahre kam kann kannst kaum kein keine klein kleine kleinen komme kommen kommt konnte
        können könnte kurz lang lange langsam lassen lasse lässt leicht letzte letzten letzter leute machen
        mache machst macht mal man manche mehr meine meinen meiner meist meisten mensch menschen minuten mit
        möchte möglich monat monate morgen muss musst müssen musste nach nachher nächste nächsten name namen
        natürlich neben nehme nehmen nimmt neu neue neuen neuer neues nie niemand noch nochmal nummer nun nur
        ob oben oder oft ohne paar person problem richtig sache sachen sage sagen sagt sagte schlecht schnell
        schon sehe sehen sehr sein seit seite sicher sieht soll sollen sollte sonst später stehe stehen steht
        stelle stellen suche suchen tag tage tagen teil tun tut über überhaupt um und uns unten unter viel
        viele vielen vielleicht vom von vor vorher wann war waren warum was weg wegen weil weise weiß wenig
        wenige weniger wenn wer werde werden wichtig wie wieder wieso wieviel will willst wir wird wirklich
        wisse wissen wo woche wochen woher wohin wohl wollen wollte womit woran worauf woraus wort worte
        worüber wovon wozu wurde wurden würde zeige zeigen zeigt zeit zu zuerst zum zur zurück zusammen zwei
        zwischen""",
    "fr": """
        à afin aime aller ai alors an année années ans après arrive assez aucun aucune aujourd aussi autre
        autres avant avec avoir beaucoup besoin bien bientôt bon bonne ça car ce cela celle celui certain
        certains ces cette chaque cherche chose choses comment compte connaître contre d'abord dans date début
        déjà demain demande depuis dernier dernière derniers dire dis dit dois doit doivent donc donne donner
        donné dont elle encore enfin ensuite entre envers est et étaient était état être exemple expliquer
        façon faire fait fais faites falloir fallait faut fin fois font grand grande grands gros haut hier ici
        il information informations jamais jour jours jusque juste là laisser le lequel leur lieu liste loin
        longtemps lorsque maintenant mais mal manière me même mettre met mieux mois moins moment mon mot mots
        moyen ne nom nombre non notre nouveau nouvelle numéro on ont ou où oui par parce parfois parler part
        partie pas passe passé passer pendant pense penser personne personnes petit petite peu peut peuvent
        peux plus plusieurs point possible pour pourquoi pouvoir prend prendre premier première près presque
        problème puis quand que quel quelle quelles quelqu quelque quelques quels question qui quoi rien sais
        sait sans savoir se semaine semaines seul si sont souvent sous suis sur surtout tel tellement temps
        tout toute toutes tous toujours très trop trouve trouver un une utiliser va vais venir vers veut veux
        vient viens vite voici voilà voir vois voit vont vouloir voudrais vraiment y""",
    "es": """
        a acerca ahora al algo alguien algún alguna algunas algunos allí antes año años aquí así aún aunque
        ayer bastante bien buen buena bueno cada casi cerca cierto cómo como con conocer cosa cosas cual cuál
        cuáles cualquier cuando cuándo cuánta cuántas cuánto cuántos da dado dan dar de debe deben debo decir
        dejar del demás desde después día días dice dijo donde dónde dos durante el ella en encontrar entonces
        entre era es ese eso esta está están estar este esto estos explicar forma fue ganar general gente gran
        grande grandes gusta ha haber había hablar hace hacer haces hacia hago han hasta hay hecho hizo hoy
        hora ido igual importante información ir jamás la largo le lejos lista llama llamar lleva llevar lo
        luego lugar mal manera mañana más mayor mejor menos menudo mes meses mi mientras mismo modo momento
        mucha muchas mucho muchos muy nada nadie necesita necesitar necesito ninguno nombre nos nuevo nueva
        número nunca o otra otras otro otros palabra para parte pasa pasado pasar pensar pequeña pequeño pero
        persona personas poco pocos poder podemos podría poner por porque posible pregunta primera primero
        problema pronto próximo puede pueden puedo pues punto que qué quién quiénes quien quiere quiero quizá
        realmente saber sabe salir se sea según seguir semana semanas ser si sí siempre sin sobre solamente
        solo sólo son soy su sus tal también tampoco tan tanto tarde tener tengo tiempo tiene tienen tipo toda
        todas todavía todo todos tomar total tres tu último un una usar uso usted va vamos van varias varios ve
        veces ver vez viene vuelve y ya yo""",
    "it": """
        abbastanza adesso agli ai al alcuni alla allora altra altre altri altro anche ancora andare anni anno
        appena avere aveva basso bene bisogna bravo bisogno buona buono c'è casa che chi chiamare ci ciascuno
        ciò come con conoscere cosa cose così cui da dal dare dei del della dentro deve devi devo di dice dico
        dire diverso dopo dove dovere due dunque e ecco era esempio essere fa fai fanno fare fatto fine fino
        forse fra fuori generale gente già giorni giorno giusto gli grande grandi ha hai hanno ho ieri il
        importante in indietro informazioni insieme intanto invece io la lasciare le lei lista lo loro lui
        lungo ma mai male meglio meno mentre mese mesi mettere mi mio modo molta molte molti molto momento nel
        nella nessuno niente no noi nome non nostro numero nulla nuova nuovo o ogni oggi ora ore ormai parola
        parlare parte passato pensare per perché però persona persone piccolo più poca pochi poco poi possibile
        posso posto potere prendere presto prima primo problema può puoi qua qualche qualcosa qualcuno quale
        quali quando quanta quante quanti quanto quasi quattro quella quelle quello questa queste questi questo
        qui quindi sa sai sapere se secondo sei sembra sempre senza serve settimana si sia sicuro simile solo
        sono sopra soprattutto sotto spesso spiegare sta stare stata stato stesso su subito sul tale tanto
        tardi tempo tipo trovare tra tre troppo tu tutta tutte tutti tutto ultimo un una uno usare va vado vai
        vedere vengo venire verso via vicino viene voglio volere volta volte vuole""",
    "pt": """
        a acho agora ainda algo algum alguma alguns alguém ali ano anos antes ao após aquele aqui as assim até
        através bastante bem boa bom cada casa certo chama chamar coisa coisas com como conhecer conta da dá
        daqui dar de deixar depois desde deve devem devo dia dias diferente disse diz dizer do dois dos durante
        e é ela ele em encontrar então entre era esse essa está estão estar este esta eu exemplo explicar faz
        fazer faço fez fica ficar foi fora forma geral gente gosto grande grandes há hoje hora igual importante
        informação ir isso isto já jamais lá levar lista logo longe longo lugar maior mais mal maneira mas me
        melhor menos mês meses mesmo meu minha modo momento muita muitas muito muitos na nada não nas nem
        nenhum no nome nos nós nova novo número nunca o onde ontem os ou outra outras outro outros para parece
        parte passado passar pela pelo pensar pequeno pergunta perto pessoa pessoas pode podem poder pois por
        porque possível posso pouco poucos precisa precisar preciso primeira primeiro problema próximo quais
        qual qualquer quando quanta quantas quanto quantos quase que quê quem quer querer quero sabe saber são
        se segundo sei seja sem semana semanas sempre ser seu seus si sim sobre só somente sua suas tal talvez
        também tanto tão tarde tem têm tempo tenho ter tinha tipo toda todas todo todos três tu tudo último um
        uma usar uso vai vamos vão várias vários ver vez vezes vir você vou""",
    "nl": """
        aan achter af al alle allemaal alleen alles als altijd ander andere anders antwoord begin begint bent
        ben beste beter bij bijna binnen boven brengen buiten daar daarna dag dagen dan dat de deel denk denken
        deze dichtbij die dingen ding dit doe doen doet door duren dus een eens eerst eerste eigenlijk einde
        elk elke en er erg ergens even gaan gaat gebruik gebruiken gedaan geen gegeven geleden genoeg geven
        geeft gewoon ging goed goede graag groot grote haar had halen heb hebben heeft heel helemaal help
        helpen hem het hier hij hoe hoeveel houden iedereen iemand iets ik in informatie is ja jaar jaren je
        jij jouw juist kan keer kijken klein kleine komen komt kon kort krijg krijgen krijgt kunnen laat
        laatste lang langer laten later leggen lijst maakt maak maanden maand maar maken man meer mee meest
        meestal men mensen met mij mijn minder misschien moet moeten mogelijk mogen morgen na naam naar naast
        natuurlijk neemt nemen niemand niet niets nieuw nieuwe nodig nog nooit nu nummer of om omdat onder ons
        ook op open oud oude over paar persoon plaats precies probleem samen slecht snel soms soort staan staat
        steeds straks te tegen terug tijd toch toe toen tot tussen twee uit uitleggen uur vaak van vandaag
        vanaf veel vele ver verder vertel vertellen vind vinden vindt volgende voor vorige vraag vragen waar
        waarom waarmee wachten wanneer want waren was wat week weken weer weet weg weinig welk welke werd weten
        wie wil willen worden wordt woord zal ze zeer zeg zeggen zegt zei zelf zeker zelfs zich zien ziet zijn
        zo zoals zoek zoeken zonder zou zullen""",
    "sv": """
        aldrig all alla allt alltid andra annan annat att av bara behöver berätta bli blir bland bra både bäst
        bättre början då dag dagar där därför de del den denna det detta din dock du efter eftersom en enligt
        ett exempel finns flera fler fråga från få fått får för före första gammal gammalt ge ger genom gick
        gjort gjorde god gott gå går gånger gång gör göra ha hade han har heter hela helt här hitta hittar
        hjälp hon hur hända händer i ibland idag igen ihop inga ingen ingenting innan inne inte ja jag kan kom
        komma kommer kort kunde kunna kvar känner lag länge lång långt lite liten lista lägga man med medan
        mellan men mer mest mig min mitt mot mycket många månad måste möjligt namn ner ni nog nu nummer ny nya
        nytt någon någonsin något några när nästa nästan och också ofta om ord oss plats problem på rätt samma
        sedan se ser sen senare sida sig sin sist sista ska skall skulle slut snabbt snart som stor stora stort
        sådan säga säger säker sätt ta tar tid tidigare till tillbaka tillsammans tog tre tro tror två tycker
        under upp ut utan vad var vara varför varit varje vecka veta vet vem vi vid vilja vilka vilken vilket
        vill visa visar väl vår än ändå även år åt över""",
    "ru": """
        а без более больше большой большая бы был была были было быть в вам вас весь вещь вещи видеть вместе во
        вообще вопрос вот время все всегда всё всего всех второй где главный говорит говорить год года годы
        давать дать два делает делать день дня дни для до должен должна должны другие другой друг ее если есть
        еще ещё же за завтра здесь знает знать знаю и идет идти из или им имеет иметь иногда информация искать
        использовать их к каждый каждая как какая какие какого какое какой кем когда кого кому конец конечно
        которая которые который кто куда лет ли лишь лучше лучший людей люди маленький мало между меня месяц
        место много может можно мой моя мы на над надо назад найти нам начало нас начать наш не него нельзя нет
        нибудь никогда никто ничего но новая новое новый номер ну нужен нужна нужно о об обычно один одна одно
        около он она они очень первая первый перед пишет по под пока показать получает получать получить помочь
        понять после последний потом потому похоже почему почти пример при про проблема просто пусть работает
        раз разве разный рядом с сам самая самое самый свой своя себя сегодня сейчас сказал сказать сколько
        скоро слишком слово случай снова со совсем способ спросить сразу стал старый стать столько сторона
        такая такие такой так также там твой те тебя тем теперь то тогда того тоже только том тот три тут ты у
        уж уже узнать хорошо хороший хотел хотеть хочет хочу хоть час часто часть чего чей человек чем через
        что чтобы чуть эта эти это этого этой этом этот я""",
    "pl": """
        a aby albo ale ani bardziej bardzo będą będzie bez był była było być chce chcę chociaż ciągle co coś
        czas czasami czego czemu czy czyli dać daje dalej dla dlaczego do dobry dobrze dopiero dużo dwa dzień
        dni dziś gdy gdyby gdzie go i ich ile im inna inne inny ja jak jaka jaki jakie jakiś jako jednak jeden
        jedna jego jej jest jestem jeszcze jeśli już każda każdy kiedy kiedyś kim kilka koniec kogo kto ktoś
        która które który lat lata lepiej lub ludzie ma mam mają mało mały masz między miał mieć miejsce
        miesiąc mi może możliwe można mój moja moje muszę musi my na nad nadal najbardziej najlepszy nam nas
        nasz natychmiast nazwa nic nich nie nigdy nikt nim nowa nowy numer o obok od ona one oni ono oraz
        ostatni pan pani pierwszy po pod podczas pokaż ponad ponieważ potem powiedzieć powinien pracuje problem
        prosto przed przez przy przykład pytanie raz robi robić rok roku również sam się skąd słowo sobie
        sposób stary są szybko ta tak taka taki takie tam te tego tej ten teraz też to trzeba tu tutaj twój ty
        tydzień tylko tym u w we wie wiedzieć wiele wielki więc więcej wszyscy wszystko wtedy z za zanim zawsze
        ze znaleźć znać znowu został zrobić że żeby""",
    "tr": """
        acaba altı ama ancak arada arasında aslında az bana bazı belki ben beni benim beri beş bile bilgi
        bilmek bin bir biraz birçok biri birkaç birlikte biz bize bizim bu buna bunda bundan bunu bunun burada
        büyük çok çünkü da daha dahi de değil dedi demek diğer diye dolayı dört edecek eden ederek edilen
        ediyor eğer en eski etmek fazla gelen gelir gelmek gerek gerekir gibi göre gün güzel hakkında hala
        hangi hatta hem henüz hep hepsi her herhangi herkes hiç hiçbir için içinde iki ile ilgili ilk ise iş
        işte iyi kaç kadar karşı kendi kez ki kim kime kimin kimse küçük lazım mı mi mu mü nasıl ne neden nedir
        neler nerede nereden nereye niçin niye o olan olarak oldu olduğu olmak olmaz olur olsa on ona ondan
        onlar onu onun orada oysa önce öyle pek rağmen sadece sana sanki sen senin siz sizin son sonra soru şey
        şeyi şimdi şöyle şu şunu tam tane tarafından tek tüm üç üzere üzerinde var vardı ve verir vermek veya
        ya yani yapar yapılır yapıyor yapmak yeni yer yıl yine yok yoksa zaman zaten""",
    "ar": """
        ان إن أن أو أي أين أنا أنت إلى إلا إذا الآن التي الذي الذين الان اليوم أكثر أكبر أول آخر أحد أعرف أريد
        بعد بعض بين به بها بدون تم ثم جدا جديد جيد حتى حول حيث خلال دون ذلك سنة سوف شيء صغير ضد طريقة عام عدد
        عدة عن عند عندما على عليه غير فقط في فيه فيها فوق قال قبل قد كان كانت كبير كثير كل كم كما كيف لا لأن
        لدي لكن لم لماذا لن له لها ليس ما ماذا متى مثل مرة مع معنا معي من منذ منها منه نحن نعم نفس هذا هذه هل
        هم هنا هناك هو هي وقت يتم يجب يعمل يقع يكون يمكن يوجد يوم يقول يريد أيام أسبوع شهر هؤلاء اي الى او اين
        امس غدا""",
    "hi": """
        अगर अधिक अपना अपनी अपने अब अभी आज आप आपका इतना इन इस इसका इसकी इसके इसे उन उनका उनकी उनके उस उसका उसकी
        उसके उसे एक ऐसा ऐसे और कई कब कभी कम कर करता करते करना करने करें करो का काम कि कितना कितनी कितने किया
        किस किसका किसी की कुछ के केवल कैसा कैसी कैसे को कोई कौन कौनसा क्या क्यों गया गयी गए चाहिए जब जहाँ जा
        जाता जाती जाना जाने जैसे जो ज्यादा ठीक तक तब तरह तो था थी थे दिन दिया दे देना दो नहीं ना नाम नया नये ने
        पर पहला पहले पास फिर बड़ा बहुत बात बाद भी मुझे मेरा मेरी मेरे में मैं यदि यह यहाँ या ये रहा रही रहे लिए
        लिया ले लेकिन लेना लोग वह वहाँ वाला वाली वाले वे सब सभी समय सा सी से साथ सकता सकते है हैं हम हमारा
        हमारे हमेशा ही हुआ हुई हुए हो होगा होगी होता होती होते होना होने""",
    "ko": """
        가장 같은 같이 거기 것 것은 것을 것이 그 그것 그냥 그래서 그런 그리고 그러나 나 나는 내 내가 너 너무 네
        누가 누구 누구의 다 다른 다시 더 때 때문에 또 또는 많은 많이 매우 모두 모든 무슨 무엇 무엇을 무엇이
        무엇입니까 뭐 및 바로 보다 수 아니 아주 않는 어느 어디 어디서 어디에 어떤 어떻게 언제 얼마 얼마나 없는
        없다 여기 오늘 왜 우리 위해 이 이것 이런 있는 있다 있습니까 있어 있나요 저 적 전 정말 제일 좀 중에 지금
        처음 첫 하고 하나 하는 하다 한 할 함께 합니까 해 해야 했다""",
    "ja": """
        です ます した して する され いる ある いま ない から まで より など こと もの ため とき どこ なに
        どう どの どれ だれ いつ なぜ なん 何で 何が 何を 何の 何時 何人 何度 誰が 誰の どん んな これ それ
        あれ この その あの ここ そこ でし たか すか せん ませ たい なる なり った って いた てい られ れる
        せる よう うな うに とて ても では には との らな もっ っと とも いく くつ 一番 一つ 時間 今日 明日
        昨日 私の 私は 人が 人は 人の 教え えて 下さ くだ ださ さい しま まし""",
    "zh": """
        什么 么时 时候 怎么 怎样 么样 哪里 哪个 哪些 在哪 为什 为何 谁的 多少 几个 几点 多久 多大 多长 如何
        是否 有没 没有 可以 能不 不能 应该 需要 要不 知道 这个 那个 这些 那些 这里 那里 我们 你们 他们 它们
        自己 大家 一个 一些 一下 一样 一起 因为 所以 但是 如果 虽然 然后 以后 以前 之后 之前 之间 现在 今天
        明天 昨天 时间 已经 还是 还有 只有 就是 不是 都是 也是 的时 的是 是什 的人 的东 东西 事情 问题 地方
        最大 最小 最好 最近 非常 比较 更多 很多 许多 大概 可能 一定 真的 告诉 请问 关于 其他 有关 有什 么东
        有哪 是谁 是怎 我的 你的 他的 她的 能否""",
}


@cache
def everyday_words(language: str) -> frozenset[str]:
    """The everyday words of a language (ISO 639-1), folded as the words of a question are. Empty if there are none."""
    return frozenset(map(fold, _WORDS.get(language, "").split()))
