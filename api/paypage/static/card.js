// The card's number, expiry and security code are typed into Mercado Pago's frames, and no script of ours can read them. What this one gets is
// a token, good for one charge.
"use strict";

const form = document.getElementById("card");
const choice = document.getElementById("installments");
const plan = document.getElementById("plan");
const button = document.getElementById("pay");
const problem = document.getElementById("card-problem");

const say = (text) => {
  problem.textContent = text;
  problem.hidden = !text;
};

// A closed list cuts its text off, and the law wants all of it to be seen before a sale on credit.
const showPlan = () => {
  plan.textContent = choice.disabled ? "" : choice.selectedOptions[0].text;
};

let asked = 0; // only the newest answer about installments counts
const choose = async (bin) => {
  const mine = ++asked;
  choice.disabled = true;
  showPlan();
  form.payment_method_id.value = "";
  if (!bin) {
    return;
  }
  const answer = await fetch(form.dataset.installments + "?bin=" + bin.slice(0, 8) + "&lang=" + document.documentElement.lang);
  const offers = answer.ok ? await answer.json() : [];
  if (mine !== asked) {
    return;
  }
  if (offers.length === 0) {
    say(form.dataset.check);
    return;
  }
  say("");
  form.payment_method_id.value = offers[0].payment_method_id;
  form.issuer_id.value = offers[0].issuer_id;
  choice.replaceChildren(...offers[0].plans.map((offered) => new Option(offered.text, offered.installments)));
  choice.disabled = false;
  showPlan();
};

if (form && window.MercadoPago) {
  const mercadoPago = new window.MercadoPago(form.dataset.key, { locale: form.dataset.locale === "pt-BR" ? "pt-BR" : "en-US" });
  const mount = (name, id) => mercadoPago.fields.create(name, { placeholder: document.getElementById(id).dataset.placeholder }).mount(id);
  mount("cardNumber", "card-number").on("binChange", ({ bin }) => choose(bin).catch(() => say(form.dataset.check)));
  mount("expirationDate", "card-expiry");
  mount("securityCode", "card-code");
  form.hidden = false;
  choice.addEventListener("change", showPlan);

  const label = button.textContent;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) {
      return;
    }
    button.disabled = true;
    button.textContent = form.dataset.paying;
    say("");
    try {
      const owner = form.tax_id.value.replaceAll(/[^0-9A-Za-z]/g, "");
      const token = await mercadoPago.fields.createCardToken({
        cardholderName: document.getElementById("holder").value.trim(),
        identificationType: owner.length > 11 ? "CNPJ" : "CPF",
        identificationNumber: owner,
      });
      form.token.value = token.id;
      form.device_id.value = window.MP_DEVICE_SESSION_ID || "";
      form.submit();
    } catch {
      say(form.dataset.check);
      button.disabled = false;
      button.textContent = label;
    }
  });
}
