-- What a later look has found a stored file to be, where it is not what was stored. It stays until a look finds it good.
ALTER TABLE file ADD COLUMN damage TEXT;
ALTER TABLE file ADD COLUMN damage_time TEXT;
