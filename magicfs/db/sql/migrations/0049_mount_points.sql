-- A mount that shows a directory of the same device elsewhere can go without a change of the device number.
ALTER TABLE roots ADD COLUMN mount_point bytea;
COMMENT ON COLUMN roots.mount_point IS 'Where the mount stands that the root lay in when it was last there: another one means that a mount is missing. Null if it is not known.';
COMMENT ON COLUMN roots.device IS '`st_dev` when it was last there: another one means that a disk is missing or was swapped.';
