"""Applied migrations never change: a database that has them would no longer match."""

from magicfs.db.schema import migrations

FROZEN = {
    "0001_initial.sql": "ceb859b6b46d47824143772174935cbb538115434448c19d0034395b88f4a0f8",
    "0002_words.sql": "cc8928fd39c091c266141f5f76c3c9872f68e57e344f1212db77501bc4e67e9f",
    "0003_context.sql": "d6c3696e8c4f13765f0a4249df0b65634eb657324e49b28b06e022b0d63cd764",
    "0004_verdicts.sql": "3f0176acf0b2bdf75637015e27c1a6302834a0bde3e92673ff35abd10a526425",
    "0005_claims.sql": "660aeac887d040510ea2af3b8aba09473d9ac81dbb997249fb41dbc0e2f71319",
    "0006_partly_read.sql": "747f37d7b6bf697e2522bc8401294cf242fefa2212b7b7496d02ba3548fdb9ef",
    "0007_agents.sql": "67d6a9b665005834b5ee0455d39d7e2849cf16253622dc170b98262096768a99",
    "0008_digests.sql": "99e7b5b19199a5cac8082ddf54513ae108cd06e3b40e1e428cd335fd356007a9",
    "0009_changes.sql": "d0ce92373e6ee2b02772f035fba93d4d0a0cea780ac77420c9e2b3e178d599fb",
    "0010_pauses.sql": "58f7f816d1947c15f39a28ed8a36121bc4a77c3b8b521a33f90d9f98fe31ce3d",
    "0012_boots.sql": "bfead6a3534e7dcbeac27558399a62f3b13f73aa5a8a5e3d7603d02d7407af44",
    "0013_tokenizers.sql": "3ade63bd5420cf580695485e5f0917fc60be798b7f4868d13e04a5a71b94f438",
    "0014_analysis.sql": "a7d095ae9c32a6f4df5a951be7963d09810798a353f43c4320ab77895726a510",
    "0015_names.sql": "287cdc0f796e78a15eb304fadc40022547a324fc042301367009ace81d32c42f",
    "0016_unread.sql": "f519b20be663c475c22189b59d3e324e0b7b4d191d939c0e8e1622af256d1e9b",
    "0017_no_word_functions.sql": "3d2c048072c2bd9f765bca62f4fdd994ab8fcc9267084a995551df505c54f8c2",
    "0019_multilingual.sql": "a902b2e1f2a279e953f3dfcb82f6578352cbf56e190d7373569a5f182107c22c",
    "0021_term_weights.sql": "5fe23e61805a90980a127d4bc3c7f47bd7d88ff47f4a7b09f47ec0be0504ffe4",
    "0020_scales.sql": "fa616563f8523bd2bcca20fb1ebaf7022359d321df2cf741ef3f6daacfafcab0",
    "0022_score_scales.sql": "76b43d6b8b1cdfbfacb725ff9a807540c24878a06b73ec68791d20454d9f4f87",
    "0023_headings.sql": "006e8830154a78b983df520de69535afcc9d3230898c986c18daf80ac4d43317",
    "0024_unread_pages.sql": "c6ca567541098efec7766e26761810b89f66dbd81a9612e01f6fb054e27266c6",
    "0025_frequent_words.sql": "936442bc7ff87f855558c4b8480ce862dafdac8286c644985f8e77484540fffb",
    "0029_scale_claims.sql": "edd8dfdc0ffccfb6ead27e9a7f84dd8545e968b117a4632ed729670fa842d7c5",
    "0031_unread_parts.sql": "7096d4747e70ac47b42a2b8973e2d60ed24e39e6502b975fbcd2b2aab43825f8",
    "0040_renewing.sql": "739d5a11f4ed5a7a47ca125eee08b8317da23372ddc2ccf30e4074f525509418",
    "0041_host_certificates.sql": "cbc0db076f38acb407ffe2f4e43e45fae6a56f64ccb44f595493e91f17055b5a",
    "0042_moves.sql": "1acdba809b1dfa3059e56a8da940ef3dfb38a544b54045d7be68f4a6613070bc",
    "0043_places.sql": "5c4595e4ff210768a1f51bde1d6f42637a29dd76fd931dededda9db80554d3b1",
    "0044_comments.sql": "28a1dd89b9b4654ef569f4b1186217b6f0d65bd1c4f6abb609c00020202a2620",
    "0045_picture_priority.sql": "24d02edd84d6b11f370a9778779b8f85b2283ee943a64019ff39ff524e771b07",
    "0046_reread_priority.sql": "2fa22b0624a8877f9203e44e6c151fe62cfde5e05d17f9186a6b2ac9396a6ceb",
    "0047_pending_pages.sql": "247468b0fe73c41e08fdd3ca66bf5bb4793d739b96286644dbef086429f9616a",
    "0048_picture_texts.sql": "ba8ad652f8105991acd00e56dfe4ab802587d541001df74d0e90d85f68adaa99",
    "0049_mount_points.sql": "c8b68e51a0b07a0d676142bf33887adf16962c09e1d00a7a9579692bfbfa360e",
    "0050_token_vectors.sql": "fe2256d8bbfe28e4b05db1349dedf07c58ef71454d4e6e600885059841394b3b",
    "0051_inner_mounts.sql": "b21487731d3142387aec0f190cb1a300591c31b49e550a9be5559e4698c7df3d",
    "0052_extensions.sql": "5fe54a01671fcfc483af3df57c958e1df230033e03ad789181a9026c872878b3",
    "0053_directories.sql": "43589500a047e5eb1d7c012c235df3a2744acf8489e98cf003a11d463899b4ea",
}


def test_no_two_migrations_have_the_same_version() -> None:
    versions = [migration.version for migration in migrations()]
    assert versions == sorted(set(versions))


def test_applied_migrations_are_as_they_were() -> None:
    assert {migration.name: migration.digest for migration in migrations()} == FROZEN
