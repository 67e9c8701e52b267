"""The paths of the platform's API."""

from typing import Final

from serviceexecution.gateway.access.bearer import PLATFORM_PATH

NAMESPACE: Final = f"{PLATFORM_PATH}{{namespace}}"
EXECUTIONS: Final = f"{NAMESPACE}/service-executions"
EXECUTION: Final = f"{EXECUTIONS}/{{api_id}}"
SERVICE_JOBS: Final = f"{NAMESPACE}/service-jobs"
SERVICE_JOB: Final = f"{SERVICE_JOBS}/{{api_id}}"
SERVICES: Final = f"{NAMESPACE}/services"
SERVICE: Final = f"{SERVICES}/{{service_id}}"
APPLICATIONS: Final = f"{NAMESPACE}/applications"
APPLICATION: Final = f"{APPLICATIONS}/{{key_id}}"
SUBSCRIPTIONS: Final = f"{NAMESPACE}/subscriptions"
SUBSCRIPTION: Final = f"{SUBSCRIPTIONS}/{{subscription_id}}"
MANAGED_SERVICES: Final = f"{NAMESPACE}/managed-services"
MANAGED_SERVICE: Final = f"{MANAGED_SERVICES}/{{service_id}}"
DATA_POOLS: Final = f"{NAMESPACE}/datapools"
DATA_POOL: Final = f"{DATA_POOLS}/{{pool_id}}"
DATA_POOL_FILES: Final = f"{DATA_POOL}/files"
DATA_POOL_GRANTS: Final = f"{DATA_POOL}/grants"
DATA_POOL_FILE: Final = f"{DATA_POOL_FILES}/{{file_id}}"
