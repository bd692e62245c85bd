-- The key under which a campaign was started, and what it was started with: a repeat is answered, another campaign is refused.
ALTER TABLE everreach_safari_campaigns ADD COLUMN start_key TEXT;
ALTER TABLE everreach_safari_campaigns ADD COLUMN start_fingerprint TEXT;
CREATE UNIQUE INDEX everreach_safari_campaigns_start_key ON everreach_safari_campaigns (start_key) WHERE start_key IS NOT NULL;
