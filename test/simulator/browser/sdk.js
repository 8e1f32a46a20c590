// A stand-in of Mercado Pago's script for browsers. The card's number stays in frames of the simulator; only createCardToken asks them for it.
"use strict";

(() => {
  const site = "{{site}}";
  const frames = new Map(); // by the field's name

  addEventListener("message", (event) => {
    const { secureField, bin, value } = event.data || {};
    const field = frames.get(secureField);
    if (event.origin !== site || !field || event.source !== field.frame.contentWindow) {
      return;
    }
    if (value !== undefined && field.answer) {
      field.answer(value);
    }
    if (bin !== undefined) {
      for (const heard of field.heard.binChange || []) {
        heard({ bin: bin || null });
      }
    }
  });

  class Field {
    constructor(name, options) {
      this.name = name;
      this.options = options || {};
      this.heard = {};
    }
    mount(container) {
      this.frame = document.createElement("iframe");
      this.frame.title = this.options.placeholder || this.name;
      this.frame.name = this.name;
      this.frame.src = site + "/secure-fields/" + this.name + "?placeholder=" + encodeURIComponent(this.options.placeholder || "");
      document.getElementById(container).append(this.frame);
      frames.set(this.name, this);
      return this;
    }
    on(event, heard) {
      (this.heard[event] ||= []).push(heard);
      return this;
    }
    read() {
      return new Promise((answer) => {
        this.answer = answer;
        this.frame.contentWindow.postMessage({ read: this.name }, site);
      });
    }
  }

  window.MP_DEVICE_SESSION_ID = "armor.simulator";
  window.MercadoPago = class MercadoPago {
    constructor(publicKey) {
      this.publicKey = publicKey;
      this.fields = {
        create: (name, options) => new Field(name, options),
        createCardToken: (holder) => this.createCardToken(holder),
      };
    }
    async createCardToken(holder) {
      const read = (name) => frames.get(name).read();
      const [number, expiry, code] = [await read("cardNumber"), await read("expirationDate"), await read("securityCode")];
      const [month, year] = expiry.split("/");
      const causes = [];
      if (number.replaceAll(" ", "").length < 14) {
        causes.push({ field: "cardNumber", message: "cardNumber should be of length between '8' and '19'." });
      }
      if (!/^(0?[1-9]|1[0-2])\/\d{2}(\d{2})?$/.test(expiry)) {
        causes.push({ field: "expirationDate", message: "expirationDate should be a valid date." });
      }
      if (!/^\d{3,4}$/.test(code)) {
        causes.push({ field: "securityCode", message: "securityCode should be of length '3'." });
      }
      if (causes.length > 0) {
        throw causes;
      }
      // As the real script does: text, so that the browser asks no leave first.
      const answer = await fetch(site + "/v1/card_tokens?public_key=" + encodeURIComponent(this.publicKey), {
        method: "POST",
        body: JSON.stringify({
          card_number: number, security_code: code, expiration_month: Number(month), expiration_year: Number(year),
          cardholder: { name: holder.cardholderName, identification: { type: holder.identificationType, number: holder.identificationNumber } },
        }),
      });
      if (!answer.ok) {
        throw [{ message: "the token was refused" }];
      }
      return answer.json();
    }
  };
})();
