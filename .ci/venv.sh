# shellcheck shell=bash
# To be sourced. Installs pinned tools into .ci/venv, which git ignores, unless they are there.

# venv NAME PACKAGE==VERSION…: makes a virtual environment and puts its commands first in PATH.
venv() {
  local folder="$PWD/.ci/venv/$1"
  shift
  if [ "$(cat "$folder/installed" 2>/dev/null)" != "$*" ]; then
    python3 -m venv --clear "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$folder/installed"
  fi
  PATH="$folder/bin:$PATH"
}

# SAM's translator, linter and emulator in one wheel. 1.170 is the first whose build shares a workspace's target folder.
sam_cli() {
  export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"
  venv sam aws-sam-cli==1.170.0 cfn-lint==1.58.0 cfn-lint-serverless==0.3.6 pytest==9.2.0
}
