-- What the judge had to say of a render that passed: shown by GET /renders/{version}. A failed job has its findings in `failure`.
ALTER TABLE render_jobs ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(warnings));
