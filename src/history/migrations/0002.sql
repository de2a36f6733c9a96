-- Whose file lies at a path, for `verify` and `diff` of a file or a folder: without an
-- index, every file that was ever stored had to be looked at.
CREATE INDEX file_by_path ON file (path);
