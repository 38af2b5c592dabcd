DROP TRIGGER audit_log_in_order;
CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
  OR NEW.seq <> 1 + (SELECT COALESCE(MAX(seq), 0) FROM audit_log WHERE workspace_id = NEW.workspace_id)
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only and gapless'); END;
DROP TABLE audit_sealer;
DROP TABLE audit_seals;
