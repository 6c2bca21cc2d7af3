-- A model whose vectors are made to replace those of the multilingual one, which searches use until then. The index
-- `models_one_multilingual` lets one model have this state.
ALTER TYPE model_state ADD VALUE IF NOT EXISTS 'renewing';
