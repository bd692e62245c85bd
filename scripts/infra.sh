#!/usr/bin/env bash
# Reads what no compiler reads: the container files and the CloudFormation template. The tools live in $CARGO_TARGET_DIR/infra-venv.
set -euo pipefail
cd "$(dirname "$0")/.."

venv="${CARGO_TARGET_DIR:-$PWD/target}/infra-venv"
if ! cmp -s infra/requirements.txt "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r infra/requirements.txt
  cp infra/requirements.txt "$venv/requirements.txt"
fi

"$venv/bin/hadolint" docker/Dockerfile.local
"$venv/bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec docker/docker-compose.yml
"$venv/bin/cfn-lint" infra/eventbridge.yaml
"$venv/bin/python" - infra/eventbridge.yaml <<'PYTHON'
import sys
from aws_cron_expression_validator.validator import AWSCronExpressionValidator
from cfnlint.decode import cfn_yaml

resources = cfn_yaml.load(sys.argv[1])["Resources"]
rules = [resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::Events::Rule"]
assert rules, "there are no rules"
for rule in rules:
    schedule = rule["ScheduleExpression"]
    AWSCronExpressionValidator.validate(schedule.removeprefix("cron(").removesuffix(")"))
    (target,) = rule["Targets"]
    print(schedule.ljust(30), "/cron/" + target["HttpParameters"]["PathParameterValues"][0])
PYTHON

# A linter that finds nothing anywhere says little: each of these must be seen.
bad=$(mktemp -d /tmp/everreach-infra.XXXXXX)
trap 'rm -rf "$bad"' EXIT
sed 's/ [?] / * /' infra/eventbridge.yaml >"$bad/both-days.yaml"
sed 's/MON-FRI [*]/MON-FRI/' infra/eventbridge.yaml >"$bad/five-fields.yaml"
sed 's/MaximumRetryAttempts: 60/MaximumRetryAttempts: 186/' infra/eventbridge.yaml >"$bad/too-many-retries.yaml"
sed 's/HttpMethod/HttpVerb/' infra/eventbridge.yaml >"$bad/unknown-property.yaml"
"$venv/bin/cfn-lint" --format parseable "$bad"/*.yaml >"$bad/findings" || true
for file in "$bad"/*.yaml; do
  if ! grep -qF "$file:" "$bad/findings"; then
    echo "infra.sh: cfn-lint sees nothing wrong in $(basename "$file")" >&2
    exit 1
  fi
done
