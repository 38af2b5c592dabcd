ALTER TABLE render_jobs DROP COLUMN warnings;
