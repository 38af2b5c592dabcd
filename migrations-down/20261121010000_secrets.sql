DROP TABLE key_rotations;
DROP TABLE secret_uses;
DROP TABLE secret_versions;
DROP TABLE secrets;
DROP TABLE data_keys;
