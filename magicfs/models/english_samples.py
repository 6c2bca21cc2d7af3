"""Texts in English about ten subjects, each with three questions in words of the text.

Used by `calibration` to measure the usual cosines of a model. Data only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A passage of about 150 tokens, and questions in words of the passage."""

    questions: tuple[str, ...]
    passage: str


SAMPLES = (
    Sample(
        ("tax invoice", "invoice number and due date", "value added tax on consulting hours"),
        "Tax invoice. Invoice number 2031, issued on 4 March, due date 3 April. For consulting hours in "
        "February we charge 42 hours at 95 euros, together 3,990 euros. Value added tax on consulting "
        "hours is 19 percent, which adds 758.10 euros, so the amount to be paid is 4,748.10 euros. "
        "Please transfer the sum to the bank account below and give the invoice number as reference. "
        "Goods stay our property until they are paid in full. After the due date we charge interest of "
        "eight percent above the base rate. Questions about this tax invoice are answered by the "
        "accounts department on weekdays between nine and five o'clock.",
    ),
    Sample(
        ("sourdough bread", "bake the sourdough loaf", "feed the starter with rye flour"),
        "Sourdough bread needs patience more than skill. On the evening before, feed the starter with "
        "rye flour and lukewarm water and leave it in a warm place. In the morning mix it with wheat "
        "flour, water and salt, and knead the dough until it is smooth. Let it rise for four hours and "
        "fold it every thirty minutes. Shape a loaf, put it into a basket dusted with flour and keep it "
        "in the refrigerator overnight. Heat the oven with a cast iron pot inside, score the surface, "
        "and bake the sourdough loaf for twenty minutes with the lid on and for twenty-five more without"
        " it, until the crust is dark and sounds hollow.",
    ),
    Sample(
        ("database index", "composite index column order", "why the query planner ignores an index"),
        "A database index lets the server find rows without reading the whole table. In a composite "
        "index the column order matters: it serves conditions on its leading columns, not on the later "
        "ones alone. There are good reasons why the query planner ignores an index: the table is small, "
        "the condition matches most of its rows, the statistics are out of date, or a function is "
        "applied to the column. Every index makes writing slower and takes disk space, so drop those "
        "that nothing reads. Look at the execution plan, compare estimated with actual row counts, and "
        "refresh the statistics before you add another index.",
    ),
    Sample(
        ("pruning roses", "cut back dead branches", "when to prune climbing roses in spring"),
        "Pruning roses keeps the plants healthy and brings more flowers. The time to prune climbing "
        "roses in spring has come when the forsythia blooms and no hard frost is expected. Use clean, "
        "sharp secateurs and cut back dead branches to the living wood first. Then shorten the side "
        "shoots to three or four buds, always with a slanting cut just above a bud that points outwards."
        " Take away crossing canes so that air and light reach the middle of the shrub. Gather the "
        "fallen leaves, which carry black spot, and do not put them on the compost. Afterwards give the "
        "roses a layer of manure and water them well in dry weeks.",
    ),
    Sample(
        ("container restart loop", "pod out of memory", "liveness probe fails and restarts the container"),
        "The service was down for eleven minutes because of a container restart loop. After the release "
        "the process read its whole cache at start, and the scheduler ended the pod out of memory. When "
        "the limit was raised the next fault showed: the liveness probe fails and restarts the container"
        " before the cache is warm. We rolled back to the previous image, gave the probe a longer "
        "initial delay, and now load the cache in the background. An alert on repeated restarts would "
        "have told us ten minutes earlier. Actions: add the alert, write a start-up probe, and test the "
        "memory limit of each deployment under the load of a working day.",
    ),
    Sample(
        ("supersonic wing drag", "boundary layer separation", "shock wave on a swept wing"),
        "We measured the drag of a thin supersonic wing in a wind tunnel at Mach numbers between 1.4 and"
        " 2.6. At small angles of attack the supersonic wing drag agrees with linear theory to within "
        "four percent. At larger angles the shock wave on a swept wing moves towards the leading edge "
        "and causes boundary layer separation, which was made visible with oil and by schlieren "
        "photographs. The pressure distribution shows a plateau behind the line of separation. Heating "
        "the surface moved the transition from laminar to turbulent flow forward and delayed the "
        "separation. The results are compared with a numerical solution of the equations.",
    ),
    Sample(
        ("minutes of the meeting", "budget for the new office", "the board approved the budget"),
        "Minutes of the meeting of 12 May. Present were the chair, the treasurer, the secretary and four"
        " members; two sent apologies. The minutes of the last meeting were accepted without changes. "
        "The treasurer explained the budget for the new office: rent, furniture, network cabling and the"
        " cost of moving. After a discussion about the length of the lease the board approved the budget"
        " with five votes and one abstention. The secretary will ask two more firms for offers on the "
        "furniture. Any other business: the summer party takes place on the last Friday of June. The "
        "next meeting is on 9 June at six o'clock in the library.",
    ),
    Sample(
        ("blood pressure medicine", "side effects of the tablets", "take the tablet in the morning with water"),
        "This leaflet is about your blood pressure medicine. Take the tablet in the morning with water, "
        "with or without food, at the same time every day. If you forget a dose, take it when you "
        "remember, but never two at once. Side effects of the tablets are usually mild and pass within "
        "two weeks: a dry cough, dizziness when standing up, headache or tiredness. See a doctor at once"
        " if your lips or tongue swell. Do not use this medicine during pregnancy. Tell the pharmacist "
        "about other tablets that you take, above all those for pain or water retention. Blood tests for"
        " kidney function and potassium are made after the first month and then every year.",
    ),
    Sample(
        ("string quartet", "second movement in a minor key", "the cello opens with a slow melody"),
        "The string quartet was written within six weeks and first played in a private house. In the "
        "opening the two violins share a theme like a folk song while the viola keeps a steady rhythm. "
        "The second movement in a minor key is the heart of the work: the cello opens with a slow "
        "melody, the others answer with muted chords, and near the end everything falls silent for two "
        "bars. A light scherzo follows, full of plucked notes and sudden accents. The finale is a fugue "
        "on the first theme. Performers of this string quartet differ widely about the tempo of the slow"
        " movement; the composer left no metronome marks, and his letters say little about it.",
    ),
    Sample(
        ("night train to Lisbon", "hotel near the old harbour", "book a seat on the night train"),
        "Day three of the journey. In the evening we board the night train to Lisbon; book a seat on the"
        " night train two months ahead, because the sleeping cars are full by spring. Breakfast is "
        "served before the border. From the station it is a short walk to the hotel near the old "
        "harbour, where the rooms on the top floor look over the river. In the afternoon take the yellow"
        " tram up the hill, visit the castle and the tile museum, and come back on foot through the "
        "narrow streets. Restaurants open late; grilled sardines and rice with seafood are what people "
        "eat here. The ferry across the river leaves every twenty minutes and costs little more than a "
        "bus ticket.",
    ),
)
