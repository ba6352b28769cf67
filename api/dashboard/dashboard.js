async function await_overview() {
  const answer = await fetch("ops/overview");
  document.getElementById("overview").textContent = JSON.stringify(await answer.json(), null, 2);
}
await_overview();
